package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"libvirt.org/go/libvirtxml"
)

// seedMode lets only the owner read a seed, which may hold a guest's private keys. libvirt makes the
// file with this mode, and gives it to QEMU's user for as long as the domain runs.
const seedMode = "0600"

func improveCloudinitDisk(stock operations) operations {
	improved := stock
	improved.create = createCloudinitDisk
	improved.read = readCloudinitDisk
	improved.remove = removeVolume(stock)
	return improved
}

// createCloudinitDisk makes the volume that the stock one makes, except for its mode, which the stock
// one has no setting for. A seed that an interrupted run left in the pool is made again. It records
// what was planned and does not read the seed back: about one download in a hundred never returns.
func createCloudinitDisk(ctx context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
	name := d.Get("name").(string)
	iso, err := seedISO(ctx, d)
	if err != nil {
		return diag.Errorf("the seed %s cannot be made: %s", name, err)
	}
	pool, unlock, err := openPool(ctx, d, c)
	if err != nil {
		return diag.FromErr(err)
	}
	defer unlock()

	volume, found, err := lookupVolume(c, pool, name)
	if err != nil {
		return diag.FromErr(err)
	}
	if found {
		if err := deleteVolume(c, volume); err != nil {
			return diag.FromErr(err)
		}
	}
	key, err := storeSeed(c, pool, name, iso)
	if err != nil {
		return createdOrGone(d, c, pool, diag.FromErr(err))
	}
	// The stock id: only what is before the semicolon is ever used.
	d.SetId(key + ";" + uuid.NewString())
	return nil
}

// readCloudinitDisk looks whether the seed is still there. The stock one downloads it, which now and
// then never returns (go-libvirt's download waits for a lock that its reader holds), and brings the keys
// in it to a machine that has no use for them. A guest reads its seed once, so a later edit changes nothing.
func readCloudinitDisk(_ context.Context, d *schema.ResourceData, c *connection) diag.Diagnostics {
	key, _, _ := strings.Cut(d.Id(), ";")
	_, err := c.virt.StorageVolLookupByKey(key)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		d.SetId("")
		return nil
	}
	if err != nil {
		return diag.Errorf("the seed %s on %s cannot be looked up: %s", key, c.host.name(), err)
	}
	return nil
}

// seedISO returns the disk with the planned cloud-init data, in the NoCloud layout, as the stock
// provider makes it. It needs mkisofs on this machine, and leaves nothing of the data on its disk.
func seedISO(ctx context.Context, d *schema.ResourceData) (iso []byte, err error) {
	folder, err := os.MkdirTemp("", "cloudinit") // with mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	image := filepath.Join(folder, "iso")
	arguments := []string{"-output", image, "-volid", "cidata", "-joliet", "-rock"}
	for _, file := range []struct{ name, attribute string }{
		{"user-data", "user_data"}, {"meta-data", "meta_data"}, {"network-config", "network_config"},
	} {
		path := filepath.Join(folder, file.name)
		if err := os.WriteFile(path, []byte(d.Get(file.attribute).(string)), 0o600); err != nil {
			return nil, err
		}
		arguments = append(arguments, path)
	}
	output, err := exec.CommandContext(ctx, "mkisofs", arguments...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w. Install it on this machine: it is in the package genisoimage or cdrtools", err)
	}
	if err != nil {
		return nil, fmt.Errorf("mkisofs failed: %w. It said: %s", err, bytes.TrimSpace(output))
	}
	return os.ReadFile(image)
}

// storeSeed makes the volume and fills it. It returns the volume's key.
func storeSeed(c *connection, pool golibvirt.StoragePool, name string, iso []byte) (key string, err error) {
	def := libvirtxml.StorageVolume{
		Name:     name,
		Capacity: &libvirtxml.StorageVolumeSize{Unit: "B", Value: uint64(len(iso))},
		Target: &libvirtxml.StorageVolumeTarget{
			Format:      &libvirtxml.StorageVolumeTargetFormat{Type: "raw"},
			Permissions: &libvirtxml.StorageVolumeTargetPermissions{Mode: seedMode},
		},
	}
	text, err := def.Marshal()
	if err != nil {
		return "", fmt.Errorf("the definition of volume %s cannot be written: %w", name, err)
	}
	volume, err := c.virt.StorageVolCreateXML(pool, text, 0)
	if err != nil {
		return "", fmt.Errorf("volume %s cannot be made in pool %s on %s: %w", name, pool.Name, c.host.name(), err)
	}
	if err := c.virt.StorageVolUpload(volume, bytes.NewReader(iso), 0, uint64(len(iso)), 0); err != nil {
		return "", fmt.Errorf("volume %s cannot be uploaded to %s: %w", volume.Key, c.host.name(), err)
	}
	return volume.Key, nil
}
