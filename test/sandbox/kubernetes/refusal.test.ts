import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../src/errors.ts';
import { bodyOf, failure, refusalOf } from '../../../src/sandbox/kubernetes/refusal.ts';

const status = (reason: string, message: string, causes: readonly string[] = []) => ({
  kind: 'Status',
  reason,
  message,
  details: { causes: causes.map((cause) => ({ reason: cause })) },
});

const rbac =
  'jobs.batch is forbidden: User "launcher@example.com" cannot create resource "jobs" in API group "batch" in the namespace "sandbox"';

const escalation =
  'roles.rbac.authorization.k8s.io "x" is forbidden: user "clerk" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}';

describe('refusalOf', () => {
  const table: [number, unknown, string][] = [
    [403, status('Forbidden', rbac), 'forbidden'],
    [403, status('Forbidden', `${rbac}: requires one of ["container.jobs.create"] permission(s).`), 'forbidden'],
    [
      403,
      status('Forbidden', 'jobs.batch "a" is forbidden: exceeded quota: q, requested: count/jobs.batch=1'),
      'quota',
    ],
    [403, status('Forbidden', 'jobs.batch "a" is forbidden: status unknown for quota: q, resources: x'), 'quota'],
    [403, status('Forbidden', 'jobs.batch "a" is forbidden: failed quota: q: must specify limits.cpu'), 'denied'],
    [403, status('Forbidden', 'a is being terminated', ['NamespaceTerminating']), 'terminating'],
    [403, status('Forbidden', escalation), 'forbidden'],
    [403, status('Forbidden', 'admission webhook "a.b" denied the request: no'), 'denied'],
    [422, status('Invalid', "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"), 'denied'],
    [422, status('Invalid', 'Job.batch "a" is invalid: spec.template: Required value'), 'denied'],
    [400, status('BadRequest', 'cannot decode'), 'denied'],
    [413, status('RequestEntityTooLarge', 'too big'), 'denied'],
    [401, status('Unauthorized', 'Unauthorized'), 'unauthorized'],
    [404, status('NotFound', 'jobs.batch "a" not found'), 'absent'],
    [409, status('AlreadyExists', 'jobs.batch "a" already exists'), 'exists'],
    [409, status('Conflict', 'Operation cannot be fulfilled on resourcequotas "q"'), 'conflict'],
    [410, status('Expired', 'too old resource version'), 'expired'],
    [408, status('Timeout', 'timeout'), 'transient'],
    [429, status('TooManyRequests', 'slow down'), 'transient'],
    [500, status('InternalError', 'etcdserver: leader changed'), 'transient'],
    [502, '<html>bad gateway</html>', 'transient'],
    [503, '', 'transient'],
  ];
  test.each(table)('%i %j is %s', (code, body, kind) => {
    expect(refusalOf({ status: code, body })?.kind).toBe(kind);
  });

  test('a success is none', () => {
    expect(refusalOf({ status: 201, body: {} })).toBeUndefined();
    expect(bodyOf({ status: 200, body: 'x' }, 'read')).toBe('x');
  });

  test('a body that is no Status is shown as it is', () => {
    expect(refusalOf({ status: 502, body: ' bad gateway ' })?.message).toBe('HTTP 502: bad gateway');
    expect(refusalOf({ status: 503, body: '' })?.message).toBe('HTTP 503');
  });

  test('a message of several lines becomes one', () => {
    const { message } = refusalOf({ status: 403, body: status('Forbidden', escalation) }) ?? {};
    expect(message).toContain('not currently held: {APIGroups:[""], Resources:["pods"]');
  });

  test('a long message is cut', () => {
    expect(refusalOf({ status: 422, body: status('Invalid', 'x'.repeat(5000)) })?.message).toHaveLength(1000);
  });
});

describe('failure', () => {
  test('a missing right names user, verb, resource and namespace, and the commands that grant it', () => {
    const error = failure({ kind: 'forbidden', message: rbac }, 'create the Job');
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toBe(
      `cannot create the Job: ${rbac}; allow it with: ` +
        'kubectl --namespace sandbox create role gke-code-executor-create-jobs --verb=create --resource=jobs.batch && ' +
        'kubectl --namespace sandbox create rolebinding gke-code-executor-create-jobs --role=gke-code-executor-create-jobs --user=launcher@example.com',
    );
  });

  test('a missing right on a subresource of the core group can be granted too', () => {
    const message =
      'pods "p" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "n"';
    expect(failure({ kind: 'forbidden', message }, 'read the log').message).toContain(
      'kubectl --namespace n create role gke-code-executor-get-pods-log --verb=get --resource=pods/log && ',
    );
  });

  test('a right of the whole cluster is for its administrator', () => {
    const message = 'nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope';
    expect(failure({ kind: 'forbidden', message }, 'list nodes').message).toContain('administrator');
  });

  test.each([
    ['unauthorized', 'sign in again'],
    ['terminating', 'use a namespace that is not being deleted'],
  ] as const)('%s is unavailable and says: %s', (kind, fix) => {
    const error = failure({ kind, message: 'no' }, 'create the Job');
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toContain(fix);
  });

  test('what may pass is an error to be tried again', () => {
    const error = failure({ kind: 'transient', message: 'slow down' }, 'create the Job');
    expect(error).not.toBeInstanceOf(UnavailableError);
    expect(error.message).toBe('cannot create the Job: slow down (transient)');
  });
});
