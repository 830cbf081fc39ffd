import assert from "node:assert/strict";
import { parse } from "yaml";
import { kubeconfigFor } from "../../formats/kubeconfig.ts";

const ofK3s = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
`;

describe("a kubeconfig", () => {
  it("names the cluster by itself, and an address that is reached from elsewhere", () => {
    const file = parse(kubeconfigFor(ofK3s, { name: "lab-web", server: "https://10.87.0.20:6443" }));
    assert.deepEqual(file.clusters, [
      { cluster: { "certificate-authority-data": "Q0E=", server: "https://10.87.0.20:6443" }, name: "lab-web" },
    ]);
    assert.deepEqual(file.contexts, [{ context: { cluster: "lab-web", user: "lab-web" }, name: "lab-web" }]);
    assert.equal(file["current-context"], "lab-web");
    assert.equal(file.users[0].name, "lab-web");
    assert.equal(file.users[0].user["client-key-data"], "S0VZ");
  });

  it("is refused where it is none", () => {
    for (const text of ["", "clusters: []", "{", ofK3s.replace("current-context: default\n", "")])
      assert.throws(
        () => kubeconfigFor(text, { name: "x", server: "https://10.0.0.1:6443" }),
        /this is not a kubeconfig of k3s: /,
      );
  });
});
