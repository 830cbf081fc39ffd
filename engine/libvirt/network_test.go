package main

import (
	"testing"
)

func (t *live) network(name, bridge, cidr string) *object {
	t.Helper()
	return t.plan("libvirt_network", map[string]any{
		"name": name, "bridge": bridge, "mode": "none", "addresses": []any{cidr}, "autostart": true,
		"dhcp": []any{map[string]any{"enabled": false}},
	})
}

func TestNetworkOfAnInterruptedRunIsTakenOver(t *testing.T) {
	l := newLive(t)
	first := l.network(l.prefix, l.prefix, "10.253.17.0/24").made()
	stored, err := l.conn.virt.NetworkLookupByName(l.prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.conn.virt.NetworkDestroy(stored); err != nil {
		t.Fatal(err)
	}
	if err := l.conn.virt.NetworkSetAutostart(stored, 0); err != nil {
		t.Fatal(err)
	}
	again := l.network(l.prefix, l.prefix, "10.253.17.0/24")
	diagnostics := again.create()
	l.succeeds(diagnostics)
	says(t, diagnostics, l.prefix, "interrupted run")
	if again.d.Id() != first.d.Id() {
		t.Errorf("id %s, not %s", again.d.Id(), first.d.Id())
	}
	if active, err := l.conn.virt.NetworkIsActive(stored); err != nil || active != 1 {
		t.Errorf("active %d, %v", active, err)
	}
	if autostart, err := l.conn.virt.NetworkGetAutostart(stored); err != nil || autostart != 1 {
		t.Errorf("autostart %d, %v", autostart, err)
	}
}

func TestNetworkOfAnotherSiteIsRefused(t *testing.T) {
	l := newLive(t)
	l.network(l.prefix, l.prefix, "10.253.18.0/24").made()
	fails(t, l.network(l.prefix, l.prefix+"b", "10.253.18.0/24").create(), l.prefix+"b", "10.253.18.0/24", "another site")
	fails(t, l.network(l.prefix, l.prefix, "10.253.19.0/24").create(), "10.253.18.0/24", "10.253.19.0/24", "another site")
}

func TestNetworkInARangeThatIsUsedSaysByWhom(t *testing.T) {
	l := newLive(t)
	l.network(l.prefix, l.prefix, "10.253.20.0/24").made()
	other := l.network(l.prefix+"x", l.prefix+"x", "10.253.20.0/24")
	fails(t, other.create(), "10.253.20.0/24", "interface "+l.prefix, "network.cidr")
	if _, err := l.conn.virt.NetworkLookupByName(l.prefix + "x"); err == nil {
		t.Error("the refused network was left behind")
	}
}

func TestNetworkWithABridgeThatIsUsedSaysSo(t *testing.T) {
	l := newLive(t)
	l.network(l.prefix, l.prefix, "10.253.21.0/24").made()
	fails(t, l.network(l.prefix+"x", l.prefix, "10.253.22.0/24").create(), "bridge name "+l.prefix, "another name")
}

func TestNetworkThatIsGoneIsRemoved(t *testing.T) {
	l := newLive(t)
	network := l.network(l.prefix, l.prefix, "10.253.23.0/24")
	l.succeeds(network.create())
	l.succeeds(network.remove())
	l.succeeds(network.remove())
}
