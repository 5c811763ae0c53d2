import { Agent } from 'node:https';
import type { GoogleAuth } from 'google-auth-library';
import { UnavailableError } from '../../errors.ts';
import type { Access } from './api.ts';

export interface GkeOptions {
  /** DNS endpoint of the cluster, such as `gke-0123.us-central1.gke.goog`; its certificate is a public one. */
  readonly endpoint: string;
  /** Source of access tokens with the scope cloud-platform; it keeps a token and renews it before it expires. */
  readonly auth: Pick<GoogleAuth, 'getAccessToken'>;
  /** Connections at a time, for which requests wait; default: 50. */
  readonly maxConnections?: number | undefined;
}

/** Signs in to a GKE cluster as the Google identity that this process runs as. */
export function gkeAccess({ endpoint, auth, maxConnections = 50 }: GkeOptions): Access {
  // The bound keeps a burst from opening a connection for each request.
  const agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  return {
    server: `https://${endpoint}`,
    credentials: async () => {
      const token = await auth.getAccessToken().catch((cause: Error) => {
        throw new UnavailableError(
          `there are no Google Cloud credentials (${cause.message}): deploy with a service account, or run "gcloud auth application-default login"`,
          { cause },
        );
      });
      return { headers: { authorization: `Bearer ${token}` }, agent };
    },
  };
}
