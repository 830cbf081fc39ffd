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
