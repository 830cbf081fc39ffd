import { stringify } from "yaml";

export interface PodStorage {
  /** The class's name. */
  readonly name: string;
  /** Of the NFS server. */
  readonly address: string;
  /** The folder that the cluster's nodes may mount; each volume is a numbered folder in it. */
  readonly path: string;
  readonly volumes: number;
  /** Whether csi-driver-nfs is in the cluster too, which makes volumes as they are claimed. */
  readonly driver: boolean;
}

/**
 * What every volume says of its size. NFS holds nobody to one; a claim for more than this would not be bound to it.
 */
const capacity = "1Ti";
const mountOptions = ["nfsvers=4.2", "hard", "noatime"];

/**
 * Kubernetes resources that give pods volumes on NFS, as YAML: a default class with volumes that lie ready, and with the
 * driver another, whose volumes are made when they are claimed (https://kubernetes.io/docs/concepts/storage/).
 */
export function podStorageManifests(storage: PodStorage): string {
  const resources = [
    storageClass(storage.name, { default: true, provisioner: "kubernetes.io/no-provisioner" }),
    ...Array.from({ length: storage.volumes }, (_, index) => volume(storage, index + 1)),
    ...(storage.driver
      ? [
          {
            ...storageClass(`${storage.name}-dynamic`, { default: false, provisioner: "nfs.csi.k8s.io" }),
            parameters: { server: storage.address, share: `${storage.path}/dynamic` },
            mountOptions,
          },
        ]
      : []),
  ];
  return resources.map((resource) => `---\n${stringify(resource)}`).join("");
}

function storageClass(name: string, { default: isDefault, provisioner }: { default: boolean; provisioner: string }) {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name, annotations: { "storageclass.kubernetes.io/is-default-class": String(isDefault) } },
    provisioner,
    reclaimPolicy: "Retain",
    volumeBindingMode: "Immediate",
  };
}

function volume({ name, address, path }: PodStorage, number: number) {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `${name}-${number}` },
    spec: {
      capacity: { storage: capacity },
      accessModes: ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
      // What somebody wrote is deleted by somebody, and never because a claim went.
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: name,
      mountOptions,
      nfs: { server: address, path: `${path}/${number}` },
    },
  };
}
