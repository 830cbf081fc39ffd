package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt/uri"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// errSeen ends a handshake that was begun only to see the host's key.
var errSeen = errors.New("the host key was seen")

// compareKeys says in fingerprints, as `ssh-keygen -l` prints them, which keys a host may have and
// which one it showed. The latter is left out where it could not be had (nil).
func compareKeys(wanted []knownhosts.KnownKey, shown ssh.PublicKey) string {
	var fingerprints []string
	for _, known := range wanted {
		fingerprints = append(fingerprints, ssh.FingerprintSHA256(known.Key))
	}
	text := "expected " + strings.Join(fingerprints, " or ")
	if shown == nil || slices.Contains(fingerprints, ssh.FingerprintSHA256(shown)) {
		return text
	}
	return fmt.Sprintf("%s, shown %s", text, ssh.FingerprintSHA256(shown))
}

// shownHostKey asks a host once more for its key, since the SSH code keeps the one that it refused to
// itself, and hangs up. It returns nil where there is no answer. It asks the URI's own address: what
// ~/.ssh/config says in its place is not looked at.
func shownHostKey(u *uri.ConnectionURI) ssh.PublicKey {
	port := u.Port()
	if port == "" {
		port = "22"
	}
	key, err := within(context.Background(), dialLimit, func() (ssh.PublicKey, error) {
		var seen ssh.PublicKey
		config := ssh.ClientConfig{
			// The order of the SSH code, so that a host with several keys shows the same one.
			HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
			HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
				seen = key
				return errSeen
			},
			Timeout: dialLimit,
		}
		_, err := ssh.Dial("tcp", net.JoinHostPort(u.Hostname(), port), &config)
		if seen != nil {
			return seen, nil
		}
		return nil, err
	})
	if err != nil {
		return nil
	}
	return key
}
