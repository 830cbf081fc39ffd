package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"libvirt.org/go/libvirtxml"
)

var (
	rangeInUse  = regexp.MustCompile(`Network is already in use by interface (\S+)`)
	bridgeInUse = regexp.MustCompile(`bridge name '?([^' ]+)'? already in use`)
)

func improveNetwork(stock operations) operations {
	improved := stock
	improved.create = createNetwork(stock)
	improved.remove = removeNetwork(stock)
	return improved
}

// createNetwork takes over a network of the planned name if it has the planned bridge and addresses
// (a site derives its bridge's name from its own): an interrupted run made it. Another network of
// that name is somebody else's, and an error.
func createNetwork(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		name := d.Get("name").(string)
		network, err := c.virt.NetworkLookupByName(name)
		if isCode(err, golibvirt.ErrNoNetwork) {
			return explainNetwork(d, c, stock.create(ctx, d, c))
		}
		if err != nil {
			return diag.Errorf("network %s on %s cannot be looked up: %s", name, c.host.name(), err)
		}
		if err := checkSameNetwork(d, c, network); err != nil {
			return diag.FromErr(err)
		}
		if err := activateNetwork(c, network); err != nil {
			return explainNetwork(d, c, diag.FromErr(err))
		}
		if autostart, given := d.GetOk("autostart"); given && autostart.(bool) {
			if err := c.virt.NetworkSetAutostart(network, 1); err != nil {
				return diag.Errorf("network %s on %s cannot be set to start by itself: %s", name, c.host.name(), err)
			}
		}
		d.SetId(uuid.UUID(network.UUID).String())
		return append(stock.read(ctx, d, c), tookOver("network", name, c))
	}
}

// removeNetwork is the stock one, except that a network that is gone already is no error.
func removeNetwork(stock operations) operation {
	return func(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
		key, err := uuid.Parse(d.Id())
		if err != nil {
			return diag.Errorf("network id %q is no UUID: %s", d.Id(), err)
		}
		if _, err := c.virt.NetworkLookupByUUID(golibvirt.UUID(key)); isCode(err, golibvirt.ErrNoNetwork) {
			return nil
		}
		return stock.remove(ctx, d, c)
	}
}

func checkSameNetwork(d *schema.ResourceData, c *connection, network golibvirt.Network) error {
	text, err := c.virt.NetworkGetXMLDesc(network, 0)
	if err != nil {
		return fmt.Errorf("the definition of network %s on %s cannot be read: %w", network.Name, c.host.name(), err)
	}
	var def libvirtxml.Network
	if err := xml.Unmarshal([]byte(text), &def); err != nil {
		return fmt.Errorf("the definition of network %s on %s cannot be read: %w", network.Name, c.host.name(), err)
	}
	plannedBridge := d.Get("bridge").(string)
	plannedRanges, err := plannedAddresses(d)
	if err != nil {
		return err
	}
	bridge, ranges := "", networkAddresses(def)
	if def.Bridge != nil {
		bridge = def.Bridge.Name
	}
	if plannedBridge != "" && bridge == plannedBridge && slices.Equal(ranges, plannedRanges) {
		return nil
	}
	owner := "another site or another program owns it"
	if def.Domain != nil && def.Domain.Name != "" {
		owner = fmt.Sprintf("it seems to belong to %s", def.Domain.Name)
	}
	return fmt.Errorf("network %s exists on %s already, with bridge %q and addresses %s, and this site's would have bridge %q and addresses %s: %s. Give this site another name, or remove that network with `virsh net-destroy %s` and `virsh net-undefine %s` if nobody needs it",
		network.Name, c.host.name(), bridge, ranges, plannedBridge, plannedRanges, owner, network.Name, network.Name)
}

func activateNetwork(c *connection, network golibvirt.Network) error {
	active, err := c.virt.NetworkIsActive(network)
	if err != nil {
		return fmt.Errorf("the state of network %s on %s cannot be read: %w", network.Name, c.host.name(), err)
	}
	if active == 1 {
		return nil
	}
	if err := c.virt.NetworkCreate(network); err != nil {
		return fmt.Errorf("network %s on %s cannot be started: %w", network.Name, c.host.name(), err)
	}
	return nil
}

// explainNetwork says, where libvirt refuses a network because of another one, which setting of the
// site to change.
func explainNetwork(d *schema.ResourceData, c *connection, diagnostics diag.Diagnostics) diag.Diagnostics {
	for i, diagnostic := range diagnostics {
		if found := rangeInUse.FindStringSubmatch(diagnostic.Summary); found != nil {
			diagnostics[i].Summary = fmt.Sprintf("The range of this site's network %s (%s) is used on %s by interface %s. Choose another network.cidr for this site. libvirt said: %s",
				d.Get("name"), addressList(d), c.host.name(), found[1], diagnostic.Summary)
		} else if found := bridgeInUse.FindStringSubmatch(diagnostic.Summary); found != nil {
			diagnostics[i].Summary = fmt.Sprintf("The bridge name %s of this site's network %s is used by another network or interface on %s. Give this site another name, or remove that one. libvirt said: %s",
				found[1], d.Get("name"), c.host.name(), diagnostic.Summary)
		}
	}
	return diagnostics
}

func addressList(d *schema.ResourceData) string {
	var list []string
	for _, address := range d.Get("addresses").([]any) {
		list = append(list, fmt.Sprint(address))
	}
	return strings.Join(list, ", ")
}

// plannedAddresses are the planned ranges, sorted.
func plannedAddresses(d *schema.ResourceData) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for _, address := range d.Get("addresses").([]any) {
		prefix, err := netip.ParsePrefix(address.(string))
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", d.Get("name"), err)
		}
		ranges = append(ranges, prefix.Masked())
	}
	slices.SortFunc(ranges, comparePrefixes)
	return ranges, nil
}

// networkAddresses are the ranges of a network that exists, sorted.
func networkAddresses(def libvirtxml.Network) []netip.Prefix {
	var ranges []netip.Prefix
	for _, ip := range def.IPs {
		address, err := netip.ParseAddr(ip.Address)
		if err != nil {
			continue // libvirt gives none that cannot be parsed
		}
		bits := int(ip.Prefix)
		if mask := net.ParseIP(ip.Netmask).To4(); bits == 0 && mask != nil {
			bits, _ = net.IPMask(mask).Size()
		}
		ranges = append(ranges, netip.PrefixFrom(address, bits).Masked())
	}
	slices.SortFunc(ranges, comparePrefixes)
	return ranges
}

func comparePrefixes(a, b netip.Prefix) int {
	return strings.Compare(a.String(), b.String())
}
