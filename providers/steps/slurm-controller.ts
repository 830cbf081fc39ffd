import { connect } from "../transport/ssh.ts";
import { required, requiredSeconds, requiredTarget } from "./environment.ts";
import { type GuestFile, onGuest } from "./guest-script.ts";
import { nodeArguments, nodeFiles } from "./slurm-node.ts";

/**
 * Makes a guest the controller of a Slurm cluster, or brings its configuration up to date: data disk, accounts, shared
 * home over NFS, munge, slurmctld. A change of slurm.conf is tried first and then taken up by `scontrol reconfigure`,
 * which leaves jobs and daemons alone (from Slurm 23.11 on).
 */
export async function configureController(): Promise<string> {
  const guest = requiredTarget("guest");
  const connection = await connect(guest, required("sshKey"), { patience: requiredSeconds("patience") });
  try {
    return await onGuest(connection, {
      what: `configuring the Slurm controller ${guest.name}`,
      files: files(),
      scripts: ["slurm-controller", "slurm-node", "slurm-controller-start"],
      args: nodeArguments("yes"),
    });
  } finally {
    connection.close();
  }
}

function files(): GuestFile[] {
  return [
    ...nodeFiles(),
    { path: "/etc/exports", content: required("exports") },
    {
      // After each start the server lets nobody open a file for the grace time, so that clients from before claim what
      // they had open first; 90 s unless told otherwise (nfs.conf(5)).
      path: "/etc/nfs.conf.d/bramble.conf",
      content: "[nfsd]\nvers3=n\nlease-time=15\ngrace-time=15\n",
    },
    { path: "/etc/slurm/slurm.conf.new", content: required("slurmConf") },
    { path: "/etc/slurm/cgroup.conf", content: required("cgroupConf") },
    {
      path: "/etc/systemd/system/srv-data.mount",
      content: `[Unit]
Description=The controller's data disk
[Mount]
What=/dev/disk/by-id/virtio-data
Where=/srv/data
Type=ext4
[Install]
WantedBy=local-fs.target
`,
    },
    {
      path: "/etc/systemd/system/home.mount",
      content: `[Unit]
Description=Homes, on the data disk
RequiresMountsFor=/srv/data
[Mount]
What=/srv/data/home
Where=/home
Type=none
Options=bind
[Install]
WantedBy=local-fs.target
`,
    },
    {
      path: "/etc/systemd/system/slurmctld.service.d/bramble.conf",
      content: "[Unit]\nRequiresMountsFor=/srv/data\n[Service]\nRestart=on-failure\nRestartSec=5\n",
    },
    {
      // Not before the disk: an empty folder must never be exported in its place.
      path: "/etc/systemd/system/nfs-server.service.d/bramble.conf",
      content: "[Unit]\nRequiresMountsFor=/srv/data\n",
    },
  ];
}
