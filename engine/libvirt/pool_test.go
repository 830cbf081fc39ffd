package main

import (
	"os"
	"path/filepath"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"
)

func TestPoolIsMadeAndRemovedWithItsFolder(t *testing.T) {
	l := newLive(t)
	pool := l.pool()
	l.succeeds(pool.create())
	path := pool.d.Get("target.0.path").(string)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	l.succeeds(pool.remove())
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	l.succeeds(pool.remove()) // gone already
}

func TestPoolOfAnInterruptedRunIsTakenOver(t *testing.T) {
	l := newLive(t)
	first := l.pool().made()
	stored, err := l.conn.virt.StoragePoolLookupByName(l.prefix)
	if err != nil {
		t.Fatal(err)
	}
	// As if the run had been killed between defining the pool and starting it.
	if err := l.conn.virt.StoragePoolDestroy(stored); err != nil {
		t.Fatal(err)
	}
	if err := l.conn.virt.StoragePoolSetAutostart(stored, 0); err != nil {
		t.Fatal(err)
	}
	again := l.plan("libvirt_pool", map[string]any{"name": l.prefix, "type": "dir",
		"target": []any{map[string]any{"path": first.d.Get("target.0.path")}}})
	diagnostics := again.create()
	l.succeeds(diagnostics)
	says(t, diagnostics, l.prefix, "interrupted run")
	if again.d.Id() != first.d.Id() {
		t.Errorf("id %s, not %s", again.d.Id(), first.d.Id())
	}
	if active, err := l.conn.virt.StoragePoolIsActive(stored); err != nil || active != 1 {
		t.Errorf("active %d, %v", active, err)
	}
	if autostart, err := l.conn.virt.StoragePoolGetAutostart(stored); err != nil || autostart != 1 {
		t.Errorf("autostart %d, %v", autostart, err)
	}
}

func TestPoolOfAnotherSiteIsRefused(t *testing.T) {
	l := newLive(t)
	first := l.pool().made()
	second := l.pool() // the same name, another folder
	fails(t, second.create(), l.prefix,
		first.d.Get("target.0.path").(string), second.d.Get("target.0.path").(string), "another site")
	if second.d.Id() != "" {
		t.Error("it has an id all the same")
	}
}

func TestPoolWithFilesIsRemovedAndTheFilesStay(t *testing.T) {
	l := newLive(t)
	pool := l.pool()
	l.succeeds(pool.create())
	disk := filepath.Join(pool.d.Get("target.0.path").(string), "etcd-data")
	if err := os.WriteFile(disk, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	diagnostics := pool.remove()
	l.succeeds(diagnostics)
	says(t, diagnostics, "etcd-data", filepath.Dir(disk))
	if content, err := os.ReadFile(disk); err != nil || string(content) != "precious" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	if _, err := l.conn.virt.StoragePoolLookupByName(l.prefix); !isCode(err, golibvirt.ErrNoStoragePool) {
		t.Errorf("the pool is still defined: %v", err)
	}
}

func TestPoolWhoseFolderIsGoneIsRemoved(t *testing.T) {
	l := newLive(t)
	pool := l.pool()
	l.succeeds(pool.create())
	if err := os.Remove(pool.d.Get("target.0.path").(string)); err != nil {
		t.Fatal(err)
	}
	diagnostics := pool.remove()
	l.succeeds(diagnostics)
	if len(diagnostics) > 0 {
		t.Errorf("it says %q", texts(diagnostics))
	}
}

func TestPoolWhoseFolderAnotherHostRemovedIsUsedAgain(t *testing.T) {
	l := newLive(t)
	pool := l.pool().made()
	if err := os.Remove(pool.d.Get("target.0.path").(string)); err != nil {
		t.Fatal(err)
	}
	l.volume("data", map[string]any{"size": 1 << 20, "format": "qcow2"}).made()
}
