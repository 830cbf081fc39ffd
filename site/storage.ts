import { type Draft, type StorageDraft, storageFolder } from "./draft.ts";
import type { LostHost, SharedStorage, StorageServer } from "./model.ts";

/** The folders that the site's hosts share, from a draft that no rule objects to. */
export function resolveStorages(draft: Draft): SharedStorage[] {
  return draft.storages.map((storage) => resolveStorage(storage, draft));
}

/** The boards that ran VMs and never will again. */
export function resolveLost({ boards }: Draft): LostHost[] {
  return boards
    .filter(({ board }) => board.role === "hypervisor")
    .flatMap(({ board, input }) => (input.lost === undefined ? [] : [{ name: board.name, reason: input.lost }]));
}

/** The folder in which that of a storage is: where the drive of a server without another disk is mounted. */
export function parentFolder(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function resolveStorage({ name, input }: StorageDraft, { boards }: Draft): SharedStorage {
  const server = resolveServer(input.server, input.path, boards);
  const address = input.address ?? boards.find(({ board }) => board.name === server?.board)?.board.address;
  if (address === undefined) throw new Error(`storage ${name}: a gap that no rule found`);
  const users = boards.filter(({ input, board }) => input.storage === name && board.role === "hypervisor");
  const clients = users.flatMap(({ board, input }) =>
    board.address === undefined ? [] : [{ host: board.name, address: board.address, isLost: input.lost !== undefined }],
  );
  const named = (isLost: boolean) =>
    clients.filter((client) => client.isLost === isLost).map(({ host, address }) => ({ host, address }));
  return {
    name,
    address,
    ...(server && { server }),
    path: input.path,
    folder: storageFolder(name),
    clients: named(false),
    lost: named(true),
  };
}

function resolveServer(name: string | undefined, path: string, boards: Draft["boards"]): StorageServer | undefined {
  const found = boards.find(({ board }) => board.name === name);
  if (found === undefined) return undefined;
  const { connect, user, hostKey } = found.input;
  return {
    board: found.board.name,
    ...(found.fromNetwork && { driveFolder: parentFolder(path) }),
    connect,
    user,
    ...(hostKey && { hostKey }),
  };
}
