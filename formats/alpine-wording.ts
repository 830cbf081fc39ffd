/** A value in a message: in quotes, cut where it is long, and without characters that a terminal acts on or hides. */
export function shown(value: string, most = 60): string {
  const cut = value.length > most ? `${value.slice(0, most)}…` : value;
  return JSON.stringify(cut).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/** A mode as people write it. */
export function octal(mode: number): string {
  return `0${mode.toString(8).padStart(3, "0")}`;
}
