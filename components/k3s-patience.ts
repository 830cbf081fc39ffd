import type { Accelerator, K3sSettings } from "../site/model.ts";

/** Seconds of a leader's lease, of its renewal, and between two attempts: eight times what Kubernetes has. */
const lease = { duration: 120, renewal: 100, retry: 20 } as const;
/** Milliseconds: four times what k3s has, so that etcd keeps its leader while the processor is busy elsewhere. */
const etcd = { heartbeat: 2000, election: 20_000 } as const;
/**
 * Seconds that etcd may take to answer the API's checks of it, in place of 2. There are two, and the endpoint leaves a
 * server whose checks take 12 s together (providers/steps/k3s-spec.ts).
 */
const etcdAnswer = 5;

/** The longest that a node may take until pods can run on it, in seconds. Importing its images is a part of it. */
export const joinPatience: Readonly<Record<Accelerator, number>> = { kvm: 300, tcg: 900 };

/**
 * What the service of a node has in its environment. Without KVM, k3s's own controllers get more time to renew their
 * leases: one that is late ends the whole of k3s (wrangler's leader election, CATTLE_ELECTION_*).
 */
export function patientEnvironment(accelerator: Accelerator): Readonly<Record<string, string>> {
  if (accelerator === "kvm") return {};
  return {
    CATTLE_ELECTION_LEASE_DURATION: `${lease.duration}s`,
    CATTLE_ELECTION_RENEW_DEADLINE: `${lease.renewal}s`,
    CATTLE_ELECTION_RETRY_PERIOD: `${lease.retry}s`,
  };
}

/**
 * What a server's config.yaml says besides, where there is no KVM: lists of arguments of Kubernetes' programs. etcd's are
 * there for one server too. A cluster that had three keeps etcd, and must not start anew because two have gone.
 */
export function patientSettings(accelerator: Accelerator): K3sSettings {
  if (accelerator === "kvm") return {};
  const election = [
    `leader-elect-lease-duration=${lease.duration}s`,
    `leader-elect-renew-deadline=${lease.renewal}s`,
    `leader-elect-retry-period=${lease.retry}s`,
  ];
  return {
    "kube-apiserver-arg": [`etcd-healthcheck-timeout=${etcdAnswer}s`, `etcd-readycheck-timeout=${etcdAnswer}s`],
    "kube-controller-manager-arg": election,
    "kube-cloud-controller-manager-arg": election,
    "kube-scheduler-arg": election,
    "etcd-arg": [`heartbeat-interval=${etcd.heartbeat}`, `election-timeout=${etcd.election}`, "log-level=error"],
  };
}
