import { type Folder, sizeOf } from "../../providers/transport/folder.ts";

/** What was done in a folder. */
export interface Watch {
  /** Bytes of files that were sent; those that a link, or the server itself, put in place don't count. */
  sent: number;
  /** Operations that change something, in the order in which they were begun. */
  readonly operations: string[];
}

/** The same folder; `watch` tells what was done by it. */
export function watched(folder: Folder): { readonly folder: Folder; readonly watch: Watch } {
  const watch: Watch = { sent: 0, operations: [] };
  const note = (operation: string, sent = 0) => {
    watch.operations.push(operation);
    watch.sent += sent;
  };
  return {
    watch,
    folder: {
      ...folder,
      makeRoot: (mode) => {
        note("makeRoot");
        return folder.makeRoot(mode);
      },
      makeFolder: (path) => {
        note(`makeFolder ${path}`);
        return folder.makeFolder(path);
      },
      makeFolders: (paths) => {
        for (const path of paths) note(`makeFolder ${path}`);
        return folder.makeFolders(paths);
      },
      write: (path, bytes, mode) => {
        note(`write ${path}`, bytes.byteLength);
        return folder.write(path, bytes, mode);
      },
      upload: (path, source) => {
        note(`upload ${path}`, sizeOf(source));
        return folder.upload(path, source);
      },
      link: (from, to) => {
        note(`link ${to}`);
        return folder.link(from, to);
      },
      makeLink: (path, target) => {
        note(`makeLink ${path}`);
        return folder.makeLink(path, target);
      },
      rename: (from, to) => {
        note(`rename ${to}`);
        return folder.rename(from, to);
      },
      remove: (path) => {
        note(`remove ${path}`);
        return folder.remove(path);
      },
      removeAll: (paths) => {
        note(`removeAll ${paths.join(" ")}`);
        return folder.removeAll(paths);
      },
      removeEmpty: (path) => {
        note(`removeEmpty ${path}`);
        return folder.removeEmpty(path);
      },
      removeUnlinked: (path, minutes) => {
        note(`removeUnlinked ${path}`);
        return folder.removeUnlinked(path, minutes);
      },
      commit: () => {
        note("commit");
        return folder.commit();
      },
      commitNames: (path) => {
        note(`commitNames ${path}`);
        return folder.commitNames(path);
      },
    },
  };
}
