package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// powerButtonGuest is a boot sector: a whole guest that does nothing but obey its power button.
func powerButtonGuest() []byte {
	code := []byte{
		0xba, 0x02, 0x06, // mov dx, 0x602   PM1_EN of QEMU's "pc"
		0xb8, 0x00, 0x01, // mov ax, 0x100   the power button
		0xef,             // out dx, ax
		0xfb,             // wait: sti
		0xf4,             // hlt             until the timer's next tick
		0xba, 0x00, 0x06, // mov dx, 0x600   PM1_STS
		0xed,             // in ax, dx
		0xf6, 0xc4, 0x01, // test ah, 1      pressed?
		0x74, 0xf5, // jz wait
		0xba, 0x04, 0x06, // mov dx, 0x604   PM1_CNT
		0xb8, 0x00, 0x20, // mov ax, 0x2000  off
		0xef,       // out dx, ax
		0xeb, 0xfe, // jmp here
	}
	return bootDisk(code)
}

// deafGuest is a boot sector that stops, and hears nothing.
func deafGuest() []byte {
	return bootDisk([]byte{0xfa, 0xf4, 0xeb, 0xfd}) // cli; hlt; and again
}

// bootDisk is a disk with that boot sector; the BIOS reads no disk that is much smaller.
func bootDisk(code []byte) []byte {
	disk := make([]byte, 2<<20)
	copy(disk, code)
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

func (t *live) domain(description string, guest []byte) *object {
	t.Helper()
	disk := t.volume("guest", map[string]any{"source": t.file("guest", guest), "format": "raw"}).made()
	return t.plan("libvirt_domain", map[string]any{
		"name": t.prefix, "description": description, "type": "qemu", "arch": "x86_64", "machine": "pc",
		"memory": 32, "vcpu": 1, "disk": []any{map[string]any{"volume_id": disk.d.Id()}},
	})
}

func (t *live) isGone(name string) {
	t.Helper()
	if _, err := t.conn.virt.DomainLookupByName(name); !isCode(err, golibvirt.ErrNoDomain) {
		t.Errorf("domain %s is still there: %v", name, err)
	}
}

func TestDomainIsShutDownAndRemoved(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	domain := l.domain("Bramble site test", powerButtonGuest())
	l.succeeds(domain.create())
	// The first press comes before the guest has started; the second one it hears.
	t.Setenv(shutdownVariable, "60")
	start := time.Now()
	diagnostics := domain.remove()
	l.succeeds(diagnostics)
	if len(diagnostics) > 0 {
		t.Errorf("it was forced: %s", texts(diagnostics))
	}
	if took := time.Since(start); took > 40*time.Second {
		t.Errorf("it took %s", took)
	}
	l.isGone(l.prefix)
	l.succeeds(domain.remove()) // gone already
}

func TestDomainThatDoesNotShutDownIsTurnedOff(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	domain := l.domain("Bramble site test", deafGuest())
	l.succeeds(domain.create())
	t.Setenv(shutdownVariable, "2")
	start := time.Now()
	diagnostics := domain.remove()
	l.succeeds(diagnostics)
	says(t, diagnostics, l.prefix, "2s")
	if took := time.Since(start); took < time.Second {
		t.Errorf("it took %s only", took)
	}
	l.isGone(l.prefix)
}

func TestDomainIsTurnedOffAtOnceIfSoAsked(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	domain := l.domain("Bramble site test", deafGuest())
	l.succeeds(domain.create())
	t.Setenv(shutdownVariable, "0")
	diagnostics := domain.remove()
	l.succeeds(diagnostics)
	if len(diagnostics) > 0 {
		t.Errorf("it says %q", texts(diagnostics))
	}
	l.isGone(l.prefix)
}

func TestDomainOfAnInterruptedRunIsMadeAgain(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	t.Setenv(shutdownVariable, "0")
	domain := l.domain("Bramble site test abc", deafGuest())
	l.succeeds(domain.create())
	first := domain.d.Id()
	domain.d.SetId("")
	domain.made()
	if domain.d.Id() == first {
		t.Error("it is the old domain")
	}
	domains, _, err := l.conn.virt.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, d := range domains {
		if strings.HasPrefix(d.Name, l.prefix) {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d domains run", count)
	}
}

func TestDomainOfAnotherSiteIsRefused(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	t.Setenv(shutdownVariable, "0")
	theirs := l.domain("Bramble site theirs", deafGuest()).made()
	for _, description := range []string{"Bramble site ours", ""} {
		ours := l.plan("libvirt_domain", map[string]any{"name": l.prefix, "description": description, "type": "qemu"})
		fails(t, ours.create(), l.prefix, "Bramble site theirs", description, "another name")
	}
	l.succeeds(theirs.read())
	if theirs.d.Id() == "" || !theirs.d.Get("running").(bool) {
		t.Error("their domain no longer runs")
	}
}

func TestDomainThatDoesNotStartIsNotLeftBehind(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	domain := l.plan("libvirt_domain", map[string]any{
		"name": l.prefix, "description": "Bramble site test", "type": "qemu", "arch": "x86_64", "machine": "pc", "memory": 32,
		"kernel": pool.d.Get("target.0.path").(string) + "/missing",
	})
	fails(t, domain.create(), "missing")
	if domain.d.Id() != "" {
		t.Error("it has an id")
	}
	l.isGone(l.prefix)
}

func TestDomainRunsFromDisksThatOtherUsersCannotRead(t *testing.T) {
	l := newLive(t)
	pool := l.reachablePool()
	ownersOnly := []any{map[string]any{"xslt": ownersOnlyXslt}}
	image := l.volume("image", map[string]any{"source": l.file("image", deafGuest()), "format": "raw"}).made()
	system := l.volume("system", map[string]any{"base_volume_id": image.d.Id(), "size": 4 << 20, "xml": ownersOnly}).made()
	data := l.volume("data", map[string]any{"size": 4 << 20, "xml": ownersOnly}).made()
	l.seed().made()
	domain := l.plan("libvirt_domain", map[string]any{
		"name": l.prefix, "description": "Bramble site test", "type": "qemu", "arch": "x86_64", "machine": "pc",
		"memory": 32, "vcpu": 1, "disk": []any{
			map[string]any{"volume_id": system.d.Id()},
			map[string]any{"volume_id": filepath.Join(pool, "seed.iso")},
			map[string]any{"volume_id": data.d.Id()},
		},
	})
	hidden := func() {
		t.Helper()
		for _, name := range []string{"system", "seed.iso", "data"} {
			l.hasMode(filepath.Join(pool, name), 0o600)
			if err := readAsNobody(filepath.Join(pool, name)); err == nil {
				t.Errorf("nobody can read %s", name)
			}
		}
	}
	hidden()
	l.succeeds(domain.create()) // QEMU opens each disk, and the image, to start
	hidden()
	t.Setenv(shutdownVariable, "0")
	l.succeeds(domain.remove())
	hidden()
}

// ownersOnlyXslt gives a volume the mode 0600.
const ownersOnlyXslt = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
  <xsl:template match="permissions/mode"><mode>0600</mode></xsl:template>
</xsl:stylesheet>`

func TestShutdownTimeout(t *testing.T) {
	for given, want := range map[string]time.Duration{"": 90 * time.Second, "0": 0, "15": 15 * time.Second} {
		t.Setenv(shutdownVariable, given)
		if got, err := shutdownTimeout(); err != nil || got != want {
			t.Errorf("%q gives %s, %v", given, got, err)
		}
	}
	for _, given := range []string{"soon", "-1", "1m"} {
		t.Setenv(shutdownVariable, given)
		if _, err := shutdownTimeout(); err == nil || !strings.Contains(err.Error(), given) {
			t.Errorf("%q gives %v", given, err)
		}
	}
}

func TestDomainTakesADiskThatAnotherHostMade(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	// On storage that hosts share, the file is there and libvirt has not looked since.
	path := filepath.Join(pool.d.Get("target.0.path").(string), "data")
	if err := os.WriteFile(path, deafGuest(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	t.Setenv(shutdownVariable, "0")
	l.plan("libvirt_domain", map[string]any{
		"name": l.prefix, "description": "Bramble site test", "type": "qemu", "arch": "x86_64", "machine": "pc",
		"memory": 32, "vcpu": 1, "disk": []any{map[string]any{"volume_id": path}},
	}).made()
}

func TestSecondDomainOnOneDiskIsRefused(t *testing.T) {
	l := newLive(t)
	l.pool().made()
	t.Setenv(shutdownVariable, "0")
	first := l.domain("Bramble site test", deafGuest()).made()
	second := l.plan("libvirt_domain", map[string]any{
		"name": l.prefix + "-second", "description": "Bramble site test", "type": "qemu", "arch": "x86_64", "machine": "pc",
		"memory": 32, "vcpu": 1, "disk": []any{map[string]any{"volume_id": first.d.Get("disk.0.volume_id")}},
	})
	// QEMU's own lock on the image (https://www.qemu.org/docs/master/system/images.html#disk-image-file-locking); a lock
	// of this kind reaches other hosts over NFS 4.
	fails(t, second.create(), "lock")
	l.isGone(l.prefix + "-second")
}
