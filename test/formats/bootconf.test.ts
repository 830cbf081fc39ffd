import assert from "node:assert/strict";
import fc from "fast-check";
import { bootModes, decodeBootOrder, encodeBootOrder } from "../../formats/boot-order.ts";
import { type BootConf, checkBootConf, parseBootConf, printBootConf } from "../../formats/bootconf.ts";
import {
  type BootProperty,
  type BootPropertyName,
  type BootValue,
  bootProperties,
} from "../../formats/bootconf-properties.ts";
import { bootValueProblem } from "../../formats/bootconf-values.ts";
import { config2711, config2712 } from "./eeprom-samples.ts";

const names = Object.keys(bootProperties) as BootPropertyName[];

const netconsole = ["6665@10.20.0.11/,6666@10.20.0.2/", "@/,@/", "@/,6666@/02:00:00:00:00:01"];

/** Values that a property takes, as a person could have written them. */
function values(name: BootPropertyName, property: BootProperty): fc.Arbitrary<BootValue> {
  switch (property.kind) {
    case "flag":
      return fc.boolean();
    case "integer":
      return fc.integer({ min: property.min, max: property.max });
    case "choice":
      return fc.constantFrom(...property.numbers) as fc.Arbitrary<BootValue>;
    case "bits":
      return fc.nat({ max: 2 ** 32 - 1 });
    case "words":
      return fc.constantFrom(...property.words) as fc.Arbitrary<BootValue>;
    case "bootOrder":
      return fc.array(fc.constantFrom(...bootModes), { minLength: 1, maxLength: 8 });
    case "ipv4":
      return fc.ipV4();
    case "text": {
      const texts =
        name === "NETCONSOLE" ? fc.constantFrom(...netconsole) : fc.stringMatching(new RegExp(property.pattern.source));
      return texts.filter((text) => name.length + text.length < 97);
    }
  }
}

const confs = fc.record(Object.fromEntries(names.map((name) => [name, values(name, bootProperties[name])])), {
  requiredKeys: [],
}) as fc.Arbitrary<BootConf>;

describe("bootconf", () => {
  it("writes settings by their names, the boot order as the word that the bootloader reads", () => {
    const conf: BootConf = {
      TFTP_FILE_TIMEOUT: 300_000,
      TFTP_PREFIX: "mac",
      BOOT_ORDER: ["network", "sd", "restart"],
      BOOT_UART: true,
      DHCP_OPTION97: 0x35695052,
    };
    assert.equal(
      printBootConf(conf),
      `[all]
# Written by Bramble; changes are overwritten.
BOOT_UART=1
BOOT_ORDER=0xf12
TFTP_PREFIX=2
TFTP_FILE_TIMEOUT=300000
DHCP_OPTION97=0x35695052
`,
    );
  });

  it("reads the settings that boards come with", () => {
    assert.deepEqual(parseBootConf(config2711), {
      conf: { BOOT_UART: false, WAKE_ON_GPIO: 1, POWER_OFF_ON_HALT: false, NET_INSTALL_AT_POWER_ON: true },
      problems: [],
    });
    assert.deepEqual(parseBootConf(config2712), {
      conf: { BOOT_UART: true, BOOT_ORDER: ["sd", "nvme", "usb", "restart"], NET_INSTALL_AT_POWER_ON: true },
      problems: [],
    });
  });

  it("reads all settings that it writes, in lines that the bootloader and the official tools keep", () => {
    fc.assert(
      fc.property(confs, (conf) => {
        const text = printBootConf(conf);
        assert.deepEqual(parseBootConf(text), { conf: { ...conf }, problems: [] });
        assert.match(text, /^\[all\]\n([ -~]{1,97}\n){2,}$/);
        assert.equal(printBootConf(Object.fromEntries(Object.entries(conf).reverse())), text);
      }),
    );
  });

  it("reads any text without failing, and what it reads without problems it can write", () => {
    const lines = fc.oneof(
      fc.string(),
      fc.constantFrom(...names).map((name) => `${name}=1`),
      fc.constant("[all]"),
    );
    const texts = fc.array(lines).map((all) => all.join("\n"));
    fc.assert(
      fc.property(texts, (text) => {
        const { conf } = parseBootConf(text);
        assert.deepEqual(parseBootConf(printBootConf(conf)).conf, conf);
      }),
    );
  });

  it("reports what it does not understand, with the line and the way out", () => {
    const cases: [string, number, RegExp][] = [
      ["[all]\nBOOT_ODER=0xf1\n", 2, /"BOOT_ODER" is no property.*did you mean BOOT_ORDER\?/],
      ["boot_uart=1\n", 1, /did you mean BOOT_UART\?/],
      ["NET_WAIT=1\n", 1, /"NET_WAIT" is no property of the bootloader; remove it/],
      ["constructor=1\n", 1, /"constructor" is no property/],
      ["DISABLE_SELF_UPDATE=1\n", 1, /ENABLE_SELF_UPDATE/],
      ["USE_IPV6=1\n", 1, /USE_IPV6 is experimental/],
      ["BOOT_UART=yes\n", 1, /BOOT_UART=yes: use 0 or 1/],
      ["BOOT_UART=\n", 1, /BOOT_UART=: use 0 or 1/],
      ["DHCP_TIMEOUT=4999\n", 1, /use a whole number from 5000 to 4294967295 ms/],
      ["SDRAM_BANKLOW=05\n", 1, /from 0 to 4/],
      ["UART_BAUD=1200\n", 1, /use one of 9600, .* baud/],
      ["TFTP_PREFIX=3\n", 1, /use 0 \(serial\), 1 \(fixed\), 2 \(mac\)/],
      ["TFTP_IP=10.20.0.256\n", 1, /use an IPv4 address/],
      ["XHCI_DEBUG=0x100000000\n", 1, /32 bits/],
      [`TFTP_PREFIX_STR=${"a".repeat(33)}\n`, 1, /up to 32 characters/],
      ["NETCONSOLE=10.20.0.2\n", 1, /sport@sip/],
      ["BOOT_UART=1\n\nBOOT_UART=0\n", 3, /BOOT_UART is set in line 1 already/],
      ["BOOT_UART = 1\n", 1, /spaces/],
      ["BOOT_UART=1 \n", 1, /spaces/],
      ["BOOT_UART=1 # log\n", 1, /comment behind its value/],
      ["BOOT_UART=1\r\n", 1, /CR LF/],
      ['HTTP_PATH="boot"\n', 1, /without spaces, quotes and #/],
      ["# für alle\n", 1, /beyond printable ASCII/],
      ["BOOT_UART=1\t\n", 1, /beyond printable ASCII/],
      [`# ${"-".repeat(96)}\n`, 1, /the line has 98 characters; the bootloader reads 97/],
      ["BOOT_UART\n", 1, /"BOOT_UART" is no setting/],
      ["gpio=8=op,dh\n", 1, /gpio= lines are not understood/],
      ["[pi4]\nBOOT_UART=1\n[all]\n", 1, /filter \[pi4\]/],
      ["[config.txt]\nenable_uart=1\n", 1, /belongs to config\.txt/],
    ];
    for (const [text, line, message] of cases) {
      const { problems } = parseBootConf(text);
      assert.deepEqual(
        problems.map((problem) => problem.line),
        [line],
        text,
      );
      assert.match(problems[0]?.message ?? "", message, text);
    }
  });

  it("reads no setting that holds for some boards only, or for config.txt", () => {
    const text =
      "BOOT_UART=1\n[pi5]\nBOOT_UART=0\n[none]\nPARTITION=2\n[all]\nPARTITION=1\n[config.txt]\nPARTITION=3\n";
    assert.deepEqual(parseBootConf(text).conf, { BOOT_UART: true, PARTITION: 1 });
  });

  it("takes the last of two settings, as the bootloader does", () => {
    assert.deepEqual(parseBootConf("PARTITION=1\nPARTITION=2\n").conf, { PARTITION: 2 });
  });

  it("refuses to write what the bootloader would not take, or what would become a line of its own", () => {
    assert.throws(() => printBootConf({ DHCP_TIMEOUT: 100 }), /DHCP_TIMEOUT=100: use a whole number from 5000/);
    assert.throws(() => printBootConf({ HTTP_PATH: "boot\nFREEZE_VERSION=1" }), /HTTP_PATH=/);
    assert.throws(() => printBootConf({ BOOT_ORDER: [] }), /BOOT_ORDER: a boot order has 1 to 8 modes, not 0/);
    assert.throws(() => printBootConf({ IMAGER_REPO_URL: `http://${"a".repeat(80)}` }), /take 103 characters/);
    const fromOutside: object = { BOOT_UART: "yes" };
    assert.throws(() => printBootConf(fromOutside), /BOOT_UART=yes: use true or false/);
    const unknown: object = { USE_IPV6: true };
    assert.throws(() => printBootConf(unknown), /USE_IPV6 is experimental/);
  });

  it("says for every property what is wrong with a value of another kind", () => {
    for (const name of names) {
      for (const value of ["\n", Number.NaN, -2, 1.5] as BootValue[]) {
        assert.match(bootValueProblem(name, value) ?? "", new RegExp(`^${name}`), `${name}=${value}`);
      }
    }
  });
});

describe("boot order", () => {
  it("is read from right to left", () => {
    assert.equal(encodeBootOrder(["sd", "network", "restart"]), "0xf21");
    assert.deepEqual(decodeBootOrder("0xF461"), { value: ["sd", "nvme", "usb", "restart"] });
    assert.deepEqual(decodeBootOrder("0x0000e2"), { value: ["network", "stop"] });
  });

  it("comes back as it was, whatever its modes", () => {
    const orders = fc.array(fc.constantFrom(...bootModes), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(orders, (order) => assert.deepEqual(decodeBootOrder(encodeBootOrder(order)), { value: order })),
    );
  });

  it("is refused with digits that are deprecated or stand for nothing, and in other forms", () => {
    const cases: [string, RegExp][] = [
      ["0x0", /the digit 0 of 0x0 is deprecated/],
      ["0xf10", /the digit 0 of 0xf10 is deprecated .*; use 1/],
      ["0xf81", /the digit 8 of 0xf81 stands for no boot mode; use one of 1 to 7, e and f/],
      ["0xd", /the digit d/],
      ["f21", /f21 is no boot order; write 0x/],
      ["0x", /no boot order/],
      ["0xf21212121", /no boot order/],
    ];
    for (const [text, message] of cases) {
      const reading = decodeBootOrder(text);
      assert.match("problem" in reading ? reading.problem : "", message, text);
    }
    assert.throws(() => encodeBootOrder([..."123456789"].map(() => "sd")), /1 to 8 modes, not 9/);
  });
});

describe("checking a bootconf", () => {
  const warned = (conf: BootConf, model: Parameters<typeof checkBootConf>[1], release?: string) => {
    const { problems, warnings } = checkBootConf(conf, model, release);
    assert.deepEqual(problems, []);
    return warnings.map(({ property, message }) => `${property}: ${message}`).join("\n");
  };

  it("has nothing to say of what a netbooted board should have", () => {
    const conf: BootConf = {
      BOOT_UART: true,
      BOOT_ORDER: ["network", "sd", "restart"],
      TFTP_PREFIX: "serial",
      TFTP_FILE_TIMEOUT: 300_000,
      NET_INSTALL_AT_POWER_ON: false,
      ENABLE_SELF_UPDATE: true,
    };
    for (const model of ["pi4b", "cm4", "pi400", "pi5", "cm5", "pi500"] as const) {
      assert.deepEqual(checkBootConf(conf, model, "2026-05-17"), { problems: [], warnings: [] });
    }
  });

  it("warns of boot modes that the board lacks, that are never tried, and of an order without an end", () => {
    assert.match(warned({ BOOT_ORDER: ["bcm-usb", "restart"] }, "pi5"), /Raspberry Pi 5 cannot boot from "bcm-usb"/);
    assert.match(warned({ BOOT_ORDER: ["nvme", "restart"] }, "pi400"), /cannot boot from "nvme"/);
    assert.equal(warned({ BOOT_ORDER: ["bcm-usb", "nvme", "restart"] }, "cm4"), "");
    assert.match(warned({ BOOT_ORDER: ["sd", "stop", "network"] }, "pi5"), /"network" stands behind "stop"/);
    assert.match(warned({ BOOT_ORDER: ["network", "sd"] }, "pi5"), /the last mode is "sd"; end with "restart"/);
    assert.match(warned({ BOOT_ORDER: ["rpiboot", "sd", "restart"] }, "pi5"), /so "sd" is never tried/);
    assert.equal(warned({ BOOT_ORDER: ["sd", "rpiboot", "restart"] }, "pi5"), "");
  });

  it("warns of what is not for this board or its bootloader", () => {
    assert.match(warned({ WAKE_ON_GPIO: 1 }, "pi5"), /WAKE_ON_GPIO has no effect on a Raspberry Pi 5, only on: /);
    assert.match(warned({ UART_BAUD: 9600 }, "pi4b"), /UART_BAUD has no effect/);
    assert.match(warned({ VL805: true }, "pi4b"), /only on: Compute Module 4/);
    const late: BootConf = { BOOTVAR0: 1, BOOT_ORDER: ["rpiboot", "restart"] };
    assert.equal(warned(late, "pi4b", "2025-11-27"), "");
    assert.equal(warned(late, "pi4b"), "");
    assert.match(warned(late, "pi4b", "2025-08-20"), /BOOTVAR0 needs a bootloader of 2025-11-27.*\n.*"rpiboot" needs/);
    assert.doesNotMatch(warned(late, "pi5", "2025-08-20"), /BOOTVAR0/);
  });

  it("warns of what stops all later updates", () => {
    assert.match(warned({ FREEZE_VERSION: true }, "pi5"), /FREEZE_VERSION=1 stops all later updates/);
    assert.match(warned({ ENABLE_SELF_UPDATE: false }, "pi4b"), /ENABLE_SELF_UPDATE=0 stops all later updates/);
    assert.equal(warned({ FREEZE_VERSION: false, ENABLE_SELF_UPDATE: true }, "pi4b"), "");
  });

  it("warns of settings that need another one", () => {
    assert.match(warned({ TFTP_PREFIX_STR: "pi1/" }, "pi5"), /no effect unless TFTP_PREFIX is "fixed"/);
    assert.match(warned({ TFTP_PREFIX: "fixed", TFTP_PREFIX_STR: "pi1" }, "pi5"), /end it with a slash/);
    assert.match(warned({ POWER_OFF_ON_HALT: true }, "pi4b"), /unless WAKE_ON_GPIO is 0/);
    assert.equal(warned({ POWER_OFF_ON_HALT: true, WAKE_ON_GPIO: 0 }, "pi4b"), "");
    assert.match(warned({ WAIT_FOR_POWER_BUTTON: true }, "pi5"), /unless POWER_OFF_ON_HALT is 1/);
    assert.equal(warned({ WAIT_FOR_POWER_BUTTON: true }, "cm5"), "");
    assert.match(warned({ DISABLE_HDMI: true, NET_INSTALL_ENABLED: true }, "pi5"), /turns network install off/);
    assert.match(warned({ HTTP_PATH: "boot" }, "pi5"), /no effect without HTTP_HOST/);
    assert.match(warned({ WAKE_ON_GPIO: 2 }, "pi4b"), /is for a Raspberry Pi 400/);
  });

  it("refuses half of a fixed address, a wrong netmask, and a fixed prefix without text", () => {
    const refused = (conf: BootConf) => checkBootConf(conf, "pi4b").problems.map(({ property }) => property);
    assert.deepEqual(refused({ CLIENT_IP: "10.20.0.11" }), ["SUBNET", "TFTP_IP"]);
    assert.deepEqual(refused({ GATEWAY: "10.20.0.1", TFTP_IP: "10.20.0.2" }), ["CLIENT_IP", "SUBNET"]);
    const whole: BootConf = { CLIENT_IP: "10.20.0.11", SUBNET: "255.255.255.0", TFTP_IP: "10.20.0.2" };
    assert.deepEqual(refused(whole), []);
    assert.deepEqual(refused({ ...whole, SUBNET: "255.0.255.0" }), ["SUBNET"]);
    assert.deepEqual(refused({ TFTP_IP: "10.20.0.2" }), []);
    assert.deepEqual(refused({ TFTP_PREFIX: "fixed" }), ["TFTP_PREFIX_STR"]);
  });

  it("refuses unknown names and values out of range, all at once", () => {
    const conf: object = { DHCP_TIMEOUT: 1, DHCP_REQ_TIMEOUT: 499, BOOT_ORDER: ["floppy"], NET_BOOT_MAX_RETRYS: 1 };
    const messages = checkBootConf(conf, "pi5").problems.map(({ message }) => message);
    assert.equal(messages.length, 4);
    assert.match(
      messages.join("\n"),
      /from 5000 .*\n.*from 500 .*\n.*"floppy" is no boot mode.*\n.*NET_BOOT_MAX_RETRIES\?/,
    );
  });
});
