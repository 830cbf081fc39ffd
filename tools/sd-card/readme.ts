import type { WantedCard } from "./wanted.ts";

/** The file by which a person, and the next run of this command, know whose card it is. */
export const readmeName = "README.txt";

/** How the README of every card begins. */
export const readmeMark = "Written by bramble sd-card.";

/** What to do with a card, in numbered steps, of which `first` is how the files get on it. */
export function steps({ title, notes, ...wanted }: WantedCard, first: string): string {
  const paragraphs = [
    first,
    "Switch the board off, put the card in, and switch it on. Do not cut the power now.",
    `Wait 10 seconds or longer, until its green LED blinks fast and evenly and does not stop. A screen on HDMI gets
green. (Another pattern, or a red screen: it failed. No blinking at all: the card was not read.)`,
    `Switch it off and take the card out: as long as it is in, the board does the same again at each start. The card
stays as it is, and can be used again.`,
    `Connect the network cable and switch the board on. ${whatThen(wanted)}`,
  ];
  const numbered = paragraphs.map((text, index) => `${index + 1}. ${text.replaceAll("\n", "\n   ")}`);
  return [`For ${title}.`, ...notes, "", ...numbered].join("\n");
}

function whatThen({ settings, server, asksFor }: Pick<WantedCard, "settings" | "server" | "asksFor">): string {
  const order = settings.BOOT_ORDER ?? [];
  if (!order.includes("network")) return "It does not try the network: its boot order has none.";
  const again = order.at(-1) === "restart" ? " Where it gets no answer, it asks again, without an end." : "";
  return `It asks ${server} for\n${asksFor}.${again}`;
}

/** The text that lies on the card. */
export function readme(wanted: WantedCard, version: string, config: string): string {
  return `${readmeMark} It puts a bootloader with these settings on a Raspberry Pi, once.
${steps(wanted, "These files are on the first partition of an SD card: FAT32, smaller than 32 GB.")}

The bootloader is that of ${version}, whatever the board had before. Its settings:

${config}`;
}
