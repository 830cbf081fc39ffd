// Command libvirt is the OpenTofu provider dmacvicar/libvirt 0.8.3 with the same resources, schema
// and state, and these differences, which a site of several hosts and an interrupted run need:
//
//   - It connects to a host when an operation needs that host, not when it is configured. So a
//     preview works offline, and a dead host fails the changes that touch it and nothing else.
//   - Create takes over, or makes anew, what an interrupted earlier run left on the host unrecorded.
//   - Create of a volume checks the free space before it uploads anything; create of a CloudinitDisk
//     makes a file that only its owner can read.
//   - Delete of a domain shuts the guest down before it turns the power off, delete of a pool leaves
//     files that are still in its folder, and delete of what is gone already succeeds.
//
// README.md describes them for users.
package main

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
)

func main() {
	defer disconnectAll()

	go exitWithParent()
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: Provider})
}
