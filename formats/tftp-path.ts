/** Longer names do not fit the buffers of every bootloader, which puts up to 31 characters of its own before them. */
const longestPath = 128;

/** Files that a bootloader runs or flashes as soon as it finds them (reference "Raspberry Pi boot" §2.5). */
const neverPublished: readonly string[] = ["recovery.elf", "recover4.elf", "recovery.bin", "recovery8.img"];

/**
 * Why no board could or should fetch a file of this name over TFTP, and what to do; undefined if it can. A path is
 * relative to the board's boot folder, with `/` between its parts.
 */
export function checkTftpPath(path: string): string | undefined {
  const shown = JSON.stringify(path);
  const parts = path.split("/");
  if (path === "") return "a file without a name cannot be served over TFTP";
  if (path.startsWith("/")) return `${shown} begins with a slash: give the path below the boot folder`;
  if (!/^[!-~]+$/.test(path)) {
    return `${shown} cannot be asked for over TFTP: use printable ASCII characters without spaces`;
  }
  if (path.includes("\\")) return `${shown} has a backslash: put / between folders`;
  if (parts.includes("")) return `${shown} has an empty part: remove the slash that is too many`;
  if (parts.some((part) => part === "." || part === "..")) {
    return `${shown} has the part . or ..: name the folder itself`;
  }
  if (path.length > longestPath) {
    return `${shown} has ${path.length} characters, and bootloaders take ${longestPath}: use shorter names`;
  }
  if (neverPublished.includes(parts.at(-1) ?? "")) {
    return `${shown} is run by a board as soon as it is there, and may overwrite its bootloader: leave it out`;
  }
  return undefined;
}
