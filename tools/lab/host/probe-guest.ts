/**
 * The smallest guests that prove that a machine can run one: each does what a Linux kernel does first (64-bit mode with
 * paging on x86), counts for a moment, and says by QEMU's exit that it got there.
 */
export interface ProbeGuest {
  /** The guest's bytes, to be written to the file that `args` names. */
  image: Uint8Array;
  /** QEMU's program. */
  qemu: string;
  /** QEMU's arguments, without those for the accelerator. */
  args(imageFile: string): string[];
  /** QEMU's exit code when the guest got there; nothing else in QEMU ends with it. */
  success: number;
  /** What the guest prints on the way, where QEMU's exit code alone does not prove it. */
  says: string;
}

/** The guest for a processor architecture in Node's words, or undefined where there is none. */
export function probeGuest(arch: string = process.arch): ProbeGuest | undefined {
  if (arch === "x64") return x86;
  return arch === "arm64" ? arm : undefined;
}

const bare = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "64"];

/** So many rounds take a tenth of a second natively, and longer in every emulation. */
const rounds = 100_000_000;

/** isa-debug-exit ends QEMU with twice the written byte plus one. */
const debugExitPort = 0x501;
const debugExitByte = 0x31;

const x86: ProbeGuest = {
  image: bootSector(),
  qemu: "qemu-system-x86_64",
  args: (imageFile) => [
    ...bare,
    ...["-M", "q35", "-device", `isa-debug-exit,iobase=${debugExitPort},iosize=1`],
    ...["-drive", `file=${imageFile},format=raw,if=virtio,readonly=on`],
  ],
  success: debugExitByte * 2 + 1,
  says: "",
};

/** A disk whose first sector the BIOS loads to 0x7c00 and runs in real mode (Intel SDM vol. 3, §10.8.5: to 64 bits). */
function bootSector(): Uint8Array {
  const origin = 0x7c00;
  const toTables = [
    [0xfa, 0xfc], //                                          cli; cld
    [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0], //      xor ax, ax; mov ds, ax; mov es, ax; mov ss, ax
    [0xbf, ...le16(0x1000), 0xb9, ...le16(0x1800)], //        mov di, 0x1000; mov cx, 0x1800
    [0xf3, 0xab], //                                          rep stosw            ; three empty page tables
    [0xc7, 0x06, ...le16(0x1000), ...le16(0x2003)], //        mov word [0x1000], 0x2003   ; level 4 -> level 3
    [0xc7, 0x06, ...le16(0x2000), ...le16(0x3003)], //        mov word [0x2000], 0x3003   ; level 3 -> level 2
    [0xc7, 0x06, ...le16(0x3000), ...le16(0x0083)], //        mov word [0x3000], 0x0083   ; a page of 2 MiB at 0
    [0x66, 0xb8, ...le32(0x1000), 0x0f, 0x22, 0xd8], //       mov eax, 0x1000; mov cr3, eax
    [0x66, 0xb8, ...le32(0x20), 0x0f, 0x22, 0xe0], //         mov eax, 0x20; mov cr4, eax ; PAE
    [0x66, 0xb9, ...le32(0xc0000080), 0x0f, 0x32], //         mov ecx, 0xc0000080; rdmsr  ; EFER
    [0x66, 0x0d, ...le32(0x100), 0x0f, 0x30], //              or eax, 0x100; wrmsr        ; long mode
  ].flat();
  const enable = [
    [0x0f, 0x20, 0xc0], //                                    mov eax, cr0
    [0x66, 0x0d, ...le32(0x80000001)], //                     or eax, 0x80000001          ; paging, protection
    [0x0f, 0x22, 0xc0], //                                    mov cr0, eax
  ].flat();
  const in64Bits = [
    [0xb9, ...le32(rounds), 0xff, 0xc9, 0x75, 0xfc], //       mov ecx, rounds; again: dec ecx; jnz again
    [0x66, 0xba, ...le16(debugExitPort)], //                  mov dx, debugExitPort
    [0xb0, debugExitByte, 0xee], //                           mov al, debugExitByte; out dx, al
    [0xf4, 0xeb, 0xfd], //                                    stop: hlt; jmp stop
  ].flat();
  const [lgdtLength, jumpLength] = [5, 5];
  const in64BitsAt = origin + toTables.length + lgdtLength + enable.length + jumpLength;
  const tableAt = in64BitsAt + in64Bits.length;
  const codeSegment = [0x00, 0x00, 0x00, 0x00, 0x00, 0x9a, 0x20, 0x00]; // present, code, 64 bits
  const table = [...new Array<number>(8).fill(0), ...codeSegment];
  const program = [
    ...toTables,
    ...[0x0f, 0x01, 0x16, ...le16(tableAt + table.length)], //   lgdt [pointer]
    ...enable,
    ...[0xea, ...le16(in64BitsAt), ...le16(0x08)], //            jmp 0x08:in64Bits
    ...in64Bits,
    ...table,
    ...[...le16(table.length - 1), ...le32(tableAt)], //         pointer: the table's limit and address
  ];
  // SeaBIOS does not boot from a disk of a single sector.
  const disk = new Uint8Array(1024 * 1024);
  disk.set(program);
  disk.set([0x55, 0xaa], 510);
  return disk;
}

const arm: ProbeGuest = {
  image: armKernel(),
  qemu: "qemu-system-aarch64",
  args: (imageFile) => [...bare, "-M", "virt", "-kernel", imageFile, "-serial", "stdio"],
  // QEMU ends with 0 for other reasons too, so the guest speaks.
  success: 0,
  says: "B",
};

/** A raw kernel for QEMU's virt machine: the PL011 serial port is at 0x09000000 there, PSCI is called by hvc. */
function armKernel(): Uint8Array {
  return Uint8Array.from(
    [
      0x52800000 | ((rounds & 0xffff) << 5) | 1, //   mov  w1, #(rounds & 0xffff)
      0x72a00000 | ((rounds >> 16) << 5) | 1, //      movk w1, #(rounds >> 16), lsl #16
      0x71000421, //                                  again: subs w1, w1, #1
      0x54ffffe1, //                                  b.ne again
      0x52a12002, //                                  mov  w2, #0x09000000
      0x52800843, //                                  mov  w3, #'B'
      0x39000043, //                                  strb w3, [x2]
      0x52800100, //                                  mov  w0, #0x0008
      0x72b08000, //                                  movk w0, #0x8400, lsl #16   ; PSCI SYSTEM_OFF
      0xd4000002, //                                  hvc  #0
      0x14000000, //                                  b    .
    ].flatMap(le32),
  );
}

function le16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

function le32(value: number): number[] {
  return [...le16(value), ...le16(value >>> 16)];
}
