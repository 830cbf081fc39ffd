import { fileURLToPath } from "node:url";

/** The project's root folder, wherever the command was started from. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The ignored folder that holds everything Bramble makes for itself; safe to delete when nothing runs. */
export const workFolder = `${projectRoot}/.bramble`;
