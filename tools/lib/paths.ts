import { fileURLToPath } from "node:url";

/** The project's root folder, wherever the command was started from. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The ignored folder that holds everything Bramble makes for itself, the state of stacks too unless a backend is set. */
export const workFolder = `${projectRoot}/.bramble`;
