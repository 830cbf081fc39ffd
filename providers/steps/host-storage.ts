import { readFile } from "node:fs/promises";
import { lostHosts } from "../transport/key-files.ts";
import { Unreachable } from "../transport/ssh.ts";
import { required } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { type HostStorageSpec, on, storageArguments } from "./storage-spec.ts";

/** Boards that boot over the network have the same file in their image. */
const hookSource = new URL("../../images/alpine/files/hypervisor/etc/libvirt/hooks/qemu.d/bramble", import.meta.url);
/** How long a host is waited for from which something is to be taken, in seconds. */
const leavePatience = 20;

/**
 * Gives a host a storage: the server exports it to the host's address, the host mounts it, now and at each boot, and
 * its libvirt starts no VM on it while it is not there. Something that is mounted at its place already is taken, if the
 * marker in it is right.
 */
export async function mountStorage(): Promise<string> {
  const spec = specOf();
  const { name, host, address, server, reached } = spec;
  if (server !== undefined) {
    await on(server, (connection) =>
      onGuest(connection, {
        what: `exporting the storage ${name} to ${host}`,
        scripts: ["nfs-storage", "nfs-export"],
        args: [...storageArguments(spec), host, required("exports")],
      }),
    );
  }
  if (reached === undefined) return `${name} is exported to ${host}, which mounts it when it boots`;
  const hook = await readFile(hookSource, "utf8");
  return on(reached, (connection) =>
    onGuest(connection, {
      what: `mounting the storage ${name} on ${host}`,
      files: [{ path: "/etc/libvirt/hooks/qemu.d/bramble", content: hook, mode: "755" }],
      scripts: ["host-storage"],
      args: [
        `${address}:${spec.path}`,
        spec.folder,
        spec.options,
        spec.marker,
        host,
        server === undefined ? "no" : "yes",
      ],
    }),
  );
}

/** Takes it away again: unmounted on the host, if that can be reached and is not lost, and exported to it no more. */
export async function unmountStorage(): Promise<string> {
  const spec = specOf();
  const { name, host, server, reached } = spec;
  if (reached !== undefined && !(host in (await lostHosts(spec.site)))) {
    try {
      const what = `unmounting the storage ${name} on ${host}`;
      const work = { what, scripts: ["host-storage-remove"], args: [spec.folder] };
      await on(reached, (connection) => onGuest(connection, work), leavePatience);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      console.log(`${error.message}\nIf it comes back, it has ${spec.folder} in /etc/fstab and can't mount it.`);
    }
  }
  if (server !== undefined) {
    await on(server, (connection) =>
      onGuest(connection, {
        what: `withdrawing the storage ${name} from ${host}`,
        scripts: ["nfs-storage", "nfs-withdraw"],
        args: [...storageArguments(spec), host],
      }),
    );
  }
  return `${host} has ${name} no more`;
}

function specOf(): HostStorageSpec {
  const spec: HostStorageSpec = JSON.parse(required("storage"));
  return spec;
}
