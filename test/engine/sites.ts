/** A PC that cannot be reached, with a small cluster; the key is a sample. */
export const smallSite = `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
  tower:
    model: pc
    cores: 4
    memory: 8GiB
    address: 10.20.0.5
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB }
    workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.101-10.20.0.104 } }
    partitions: { main: { workers: [n], maxTime: 24h } }
`;

/** This machine's libvirt, without VMs; storage is its folder for disks. */
export function emptyLocalSite(storage: string, cidr = "10.213.5.0/24"): string {
  return `network: { cidr: ${cidr}, mode: isolated }
boards:
  box: { model: pc, connect: local, cores: 2, memory: 4GiB, disk: 30GiB, accelerator: tcg, storage: ${storage} }
`;
}

/** A Slurm cluster of a controller alone, on a network as `10.213.5`; what is written after it is said of the cluster too. */
export function controllerAlone(cluster: string, network: string): string {
  return `clusters:
  ${cluster}:
    type: slurm
    controller: { address: ${network}.10, memory: 512MiB }
    workers: { n: { count: 0, memory: 512MiB, addresses: ${network}.11-${network}.12 } }
`;
}

/** A PC, and a board whose boot folder lies on this machine; nobody serves it here. */
export function bootSite(roots: string): string {
  return `network: { cidr: 198.51.100.0/24, gateway: 198.51.100.1 }
boot: { server: tower, manage: false, tftp: ${roots}/tftp, http: ${roots}/http, bootloader: { order: [network, sd] } }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 198.51.100.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "7a1c0b2f9ffefd01", mac: "2c:cf:67:00:00:01", address: 198.51.100.11 }
`;
}
