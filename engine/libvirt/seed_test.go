package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

func (t *live) seed() *object {
	t.Helper()
	return t.plan("libvirt_cloudinit_disk", map[string]any{"name": "seed.iso", "pool": t.prefix,
		"user_data": "#cloud-config\nssh_keys: secret\n", "meta_data": "instance-id: a\n", "network_config": "version: 2\n"})
}

// reachablePool makes a pool that any local user can look into, as one in /var/lib is: the folders for
// temporary files are their owner's alone.
func (t *live) reachablePool() (path string) {
	t.Helper()
	path = t.pool().made().d.Get("target.0.path").(string)
	for _, folder := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(folder, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// readAsNobody reads a file as a user without any rights.
func readAsNobody(path string) error {
	cat := exec.Command("cat", path)
	cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cat.Run()
}

func (t *live) hasMode(path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, not %o", path, got, want)
	}
}

// modesUntil collects the modes that a file has until stop is closed.
func modesUntil(stop <-chan struct{}, path string) <-chan map[fs.FileMode]bool {
	outcome := make(chan map[fs.FileMode]bool)
	go func() {
		seen := map[fs.FileMode]bool{}
		for {
			if info, err := os.Stat(path); err == nil {
				seen[info.Mode().Perm()] = true
			}
			select {
			case <-stop:
				outcome <- seen
				return
			default:
			}
		}
	}()
	return outcome
}

func TestSeedIsNeverReadableByOtherUsers(t *testing.T) {
	l := newLive(t)
	pool := l.reachablePool()
	path := filepath.Join(pool, "seed.iso")
	stop := make(chan struct{})
	modes := modesUntil(stop, path)
	l.seed().made()
	close(stop)
	if seen := <-modes; !maps.Equal(seen, map[fs.FileMode]bool{0o600: true}) {
		t.Errorf("its modes were %v", seen)
	}
	if err := readAsNobody(path); err == nil {
		t.Error("nobody can read it")
	}
	// It is the mode that prevents it, not a folder.
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := readAsNobody(path); err != nil {
		t.Errorf("nobody cannot read a file of mode 0644 there: %v", err)
	}
}

func TestSeedIsWhatTheStockProviderMakes(t *testing.T) {
	l := newLive(t)
	path := filepath.Join(l.reachablePool(), "seed.iso")
	stock := stockOperations(libvirt.Provider().ResourcesMap["libvirt_cloudinit_disk"])
	makeBoth := func() (ours, theirs *object, same bool) {
		ours, theirs = l.seed(), l.seed()
		l.succeeds(ours.create())
		content := readFile(t, path)
		l.succeeds(ours.remove())
		l.succeeds(stock.create(context.Background(), theirs.d, l.conn))
		same = bytes.Equal(content, readFile(t, path))
		l.succeeds(theirs.remove())
		return ours, theirs, same
	}
	ours, theirs, same := makeBoth()
	// The disks hold the second in which they were made, and that may have passed between the two.
	for range 4 {
		if same {
			break
		}
		ours, theirs, same = makeBoth()
	}
	if !same {
		t.Error("its content differs")
	}
	id := regexp.MustCompile("^" + regexp.QuoteMeta(path) + ";[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
	if !id.MatchString(ours.d.Id()) || !id.MatchString(theirs.d.Id()) {
		t.Errorf("its id is %s, with the stock provider %s", ours.d.Id(), theirs.d.Id())
	}
	got, want := ours.d.State().Attributes, theirs.d.State().Attributes
	delete(got, "id")
	delete(want, "id")
	if !maps.Equal(got, want) {
		t.Errorf("it is recorded as %v, with the stock provider as %v", got, want)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestSeedIsUnchangedAfterARefresh(t *testing.T) {
	l := newLive(t)
	l.reachablePool()
	seed := l.seed().made()
	created := seed.d.State()
	l.succeeds(seed.read())
	if after := seed.d.State(); !created.Equal(after) {
		t.Errorf("it was created as %s, and a refresh finds %s", created, after)
	}
}

func TestSeedThatIsGoneIsMissedByARefresh(t *testing.T) {
	l := newLive(t)
	l.reachablePool()
	seed := l.seed().made()
	id := seed.d.Id()
	l.succeeds(seed.remove())
	seed.d.SetId(id)
	l.succeeds(seed.read())
	if seed.d.Id() != "" {
		t.Error("a refresh still finds it")
	}
	seed.d.SetId(id) // for the removal at the end of every test
}

func TestSeedOfAnInterruptedRunIsMadeAgain(t *testing.T) {
	l := newLive(t)
	path := filepath.Join(l.reachablePool(), "seed.iso")
	if err := os.WriteFile(path, []byte("half a seed"), 0o644); err != nil {
		t.Fatal(err)
	}
	l.seed().made()
	if content := readFile(t, path); !bytes.Contains(content, []byte("ssh_keys: secret")) {
		t.Errorf("it is not the seed, but %d bytes of something else", len(content))
	}
	l.hasMode(path, 0o600)
}

// plannedSeed is a seed that no host has.
func plannedSeed(t *testing.T) *schema.ResourceData {
	t.Helper()
	return schema.TestResourceDataRaw(t, Provider().ResourcesMap["libvirt_cloudinit_disk"].Schema,
		map[string]any{"name": "seed.iso", "user_data": "secret"})
}

func TestSeedLeavesNothingOnThisMachine(t *testing.T) {
	for name, script := range map[string]string{
		"when made":          `printf image > "$2"`,
		"when mkisofs fails": `stat -c "modes %a" "${2%/*}" "${2%/*}/user-data"; cat "${2%/*}/user-data" > "$2"; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			programs, temporary := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(programs, "mkisofs"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
			t.Setenv("TMPDIR", temporary)
			iso, err := seedISO(context.Background(), plannedSeed(t))
			if err == nil && string(iso) != "image" {
				t.Errorf("it is %q", iso)
			}
			if err != nil {
				want := "mkisofs failed: exit status 1. It said: modes 700\nmodes 600"
				if err.Error() != want {
					t.Errorf("it says %q", err)
				}
			}
			left, err := os.ReadDir(temporary)
			if err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

func TestSeedWithoutMkisofsSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := seedISO(context.Background(), plannedSeed(t))
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("it says %v", err)
	}
}
