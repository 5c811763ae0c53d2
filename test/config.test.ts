import { describe, expect, test } from 'vitest';
import { parseClusterConfig, parseGoogleCloudConfig } from '../src/config.ts';
import { UnavailableError } from '../src/errors.ts';

const project = { GOOGLE_CLOUD_PROJECT: 'p' };

describe('the configuration of every function', () => {
  test('needs a project, and has defaults for the rest', () => {
    const defaults = {
      databaseId: '(default)',
      topicPrefix: '',
      apiKey: undefined,
      ingestCaller: 'pubsub',
      images: [],
    };
    expect(parseGoogleCloudConfig(project)).toEqual({ projectId: 'p', ...defaults });
  });

  test('takes an empty variable for one that is not set', () => {
    expect(parseGoogleCloudConfig({ ...project, FIRESTORE_DATABASE: '' })).toMatchObject({ databaseId: '(default)' });
  });

  test('takes images, and no repository of which the end is open', () => {
    const images = { ...project, ALLOWED_IMAGES: 'alpine:3.22, europe-docker.pkg.dev/p/r/' };
    expect(parseGoogleCloudConfig(images).images).toEqual(['alpine:3.22', 'europe-docker.pkg.dev/p/r/']);
    expect(() => parseGoogleCloudConfig({ ...project, ALLOWED_IMAGES: 'alpine' })).toThrow('ALLOWED_IMAGES: must be');
  });

  test('takes no empty key, which would let everybody in where a secret was lost', () => {
    expect(() => parseGoogleCloudConfig({ ...project, GKE_CODE_EXECUTOR_API_KEY: '' })).toThrow(
      new UnavailableError(
        'the environment is not right: GKE_CODE_EXECUTOR_API_KEY: must be 16 or more printable ASCII characters without ' +
          'spaces; leave it out where IAM alone decides who may call',
      ),
    );
  });

  test('names all that is wrong at once, and never the key itself', () => {
    const wrong = { TOPIC_PREFIX: 'A b', GKE_CODE_EXECUTOR_API_KEY: 'short' };
    expect(() => parseGoogleCloudConfig(wrong)).toThrow(
      new UnavailableError(
        'the environment is not right: GOOGLE_CLOUD_PROJECT: set it to the id of the Google Cloud project; ' +
          'TOPIC_PREFIX: must be lower-case letters, digits and "-", 41 at most; ' +
          'GKE_CODE_EXECUTOR_API_KEY: must be 16 or more printable ASCII characters without spaces; ' +
          'leave it out where IAM alone decides who may call',
      ),
    );
  });
});

describe('the configuration of a function with a cluster', () => {
  test.each([
    [{ GKE_ENDPOINT: 'gke-0123.us-central1.gke.goog' }, { endpoint: 'gke-0123.us-central1.gke.goog' }],
    [{ KUBECONFIG: '/etc/kubeconfig' }, { kubeconfig: '/etc/kubeconfig' }],
  ])('names it by endpoint or kubeconfig: %j', (given, cluster) => {
    expect(parseClusterConfig({ NAMESPACE: 'executions', ...given })).toEqual({ namespace: 'executions', ...cluster });
  });

  test.each([
    [{ NAMESPACE: 'n' }, 'GKE_ENDPOINT: set either GKE_ENDPOINT or KUBECONFIG'],
    [{ NAMESPACE: 'n', GKE_ENDPOINT: 'a.b', KUBECONFIG: 'c' }, 'GKE_ENDPOINT: set either GKE_ENDPOINT or KUBECONFIG'],
    [{ NAMESPACE: 'n', GKE_ENDPOINT: 'https://a.b' }, 'GKE_ENDPOINT: must be the DNS endpoint of the cluster, without'],
    [{ NAMESPACE: 'N_', KUBECONFIG: 'c' }, 'NAMESPACE: must be a DNS label'],
    [{ KUBECONFIG: 'c' }, 'NAMESPACE: set it to the namespace that executions run in'],
  ])('is refused with the fix: %j', (given, says) => {
    expect(() => parseClusterConfig(given)).toThrow(says);
  });
});
