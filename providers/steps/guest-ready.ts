import { connect } from "../transport/ssh.ts";
import { required, requiredSeconds, requiredTarget } from "./environment.ts";
import { onGuest } from "./guest-script.ts";

/**
 * Waits until a guest has booted, shows its own host key, and says by itself that it is the right one: host name and
 * image as planned, and cloud-init done without error. A port that answers is not enough.
 */
export async function guestReady(): Promise<string> {
  const guest = requiredTarget("guest");
  const patience = requiredSeconds("patience");
  const start = Date.now();
  const connection = await connect(guest, required("sshKey"), { patience });
  try {
    const report = await onGuest(connection, {
      what: `the first boot of ${guest.name}`,
      scripts: ["ready"],
      args: [guest.name, required("image"), String(patience)],
    });
    return `${guest.name} is ready after ${Math.round((Date.now() - start) / 1000)} s (${report})`;
  } finally {
    connection.close();
  }
}
