import type { ImageFacts } from "../../../images/alpine/layers.ts";

/** Keys of nobody, and documentation's addresses. */
export const sampleFacts: ImageFacts = {
  authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUY6Yb6vS1yqTnQ7bA2c6cJd0iVb0cVq4m3b5k6Yz8A deploy@lab"],
  userCa: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMaN5gqfQ3cWlHnH0mTQzYv3a4q1bWcXoT2r6sJk8d0E ca@lab",
  timeServers: ["192.0.2.2"],
  bridge: "br0",
};

/** The date of an Alpine release. */
export const sampleRelease = "2026-11-05";
