package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt/uri"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostParameter is the parameter of a URI with the name that people know the host by. Nothing but
// messages uses it.
const hostParameter = "host"

// lostParameter is the parameter of a URI that says in words why its host never runs again.
const lostParameter = "lost"

// lost says whether nobody will ever answer on that host, and why.
func (h *host) lost() (reason string, lost bool) {
	u, err := uri.Parse(h.uri)
	if err != nil {
		return "", false
	}
	reason = u.Query().Get(lostParameter)
	return reason, reason != ""
}

// name is how messages call a host: by its name, or else by its address as the URI has it.
func (h *host) name() string {
	u, err := uri.Parse(h.uri)
	if err != nil {
		return h.uri
	}
	return hostName(u)
}

func hostName(u *uri.ConnectionURI) string {
	if name := u.Query().Get(hostParameter); name != "" {
		return name
	}
	if name := u.Hostname(); name != "" {
		return name
	}
	return "this machine"
}

// explainDial turns the failure to connect into an error that names the host and what to check.
func explainDial(u *uri.ConnectionURI, err error) error {
	shown := *u.URL
	shown.RawQuery = ""
	return fmt.Errorf("libvirt on %s (%s) cannot be reached: %w. %s",
		hostName(u), shown.Redacted(), err, dialAdvice(u, err))
}

func dialAdvice(u *uri.ConnectionURI, err error) string {
	ssh := strings.HasSuffix(u.Scheme, "+ssh")
	user := u.User.Username()
	var keyError *knownhosts.KeyError
	var dnsError *net.DNSError
	var netError net.Error
	var mute errNoAnswer
	switch {
	case errors.As(err, &keyError) && len(keyError.Want) == 0:
		return fmt.Sprintf("Its host key is not in %s: add it there after you have compared it with the key on the machine itself.",
			knownHostsFile(u))
	case errors.As(err, &keyError):
		return fmt.Sprintf("Its host key is not the one in %s: %s. If the machine was installed again, its new key must be made known (hostKey in the site file); if not, another machine answers at its address. Nothing was sent to it.",
			knownHostsFile(u), compareKeys(keyError.Want, shownHostKey(u)))
	case errors.As(err, &dnsError):
		return "Check the host's name, and that this machine can resolve it."
	case ssh && strings.Contains(err.Error(), "could not configure SSH authentication methods"):
		return "There is no key to log in with: the keyfile of the URI must be a private key without a passphrase, and sshauth must include privkey; or a key must be in ssh-agent."
	case ssh && strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Sprintf("sshd answers but does not let %s in: check that the public key is in that user's authorized_keys.", user)
	case ssh && strings.Contains(err.Error(), "failed to connect to libvirt on the remote host"):
		return fmt.Sprintf("sshd lets %s in, but libvirt's socket cannot be opened: check that libvirtd is running, that %s may use it (group libvirt), and that sshd allows AllowStreamLocalForwarding.",
			user, user)
	case !ssh && u.Hostname() == "":
		return "Check that libvirtd is running and that you may use its socket (group libvirt)."
	case errors.As(err, &mute):
		return "Something accepts the connection and then is silent: check sshd and libvirtd on the host, and its load."
	case errors.As(err, &netError), errors.Is(err, syscall.ECONNREFUSED):
		return "Check that the machine is on, that its address and port are right, and that sshd is running there. Nothing of it is made on another host, since it may still run: if it never will again, say so at its board in the site file (lost: WHY)."
	default:
		return "Check that sshd is reachable, that libvirtd is running, and that the host key is known."
	}
}

// checkKeyFiles looks at the files that the URI names, because the SSH code only logs that it cannot
// read the key and then reports that no way to authenticate is left. Environment variables in both
// paths are expanded as that code does it.
func checkKeyFiles(u *uri.ConnectionURI) error {
	for _, parameter := range []string{"keyfile", "knownhosts"} {
		given := u.Query().Get(parameter)
		if given == "" || strings.HasPrefix(given, "~/") || (parameter == "knownhosts" && ignoresHostKeys(u)) {
			continue
		}
		path := os.ExpandEnv(given)
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%s=%s: %w", parameter, given, err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("%s=%s: %w", parameter, given, err)
		}
	}
	return nil
}

func ignoresHostKeys(u *uri.ConnectionURI) bool {
	return u.Query().Has("no_verify") || u.Query().Get("known_hosts_verify") == "ignore"
}

func knownHostsFile(u *uri.ConnectionURI) string {
	if given := u.Query().Get("knownhosts"); given != "" {
		return os.ExpandEnv(given)
	}
	return "~/.ssh/known_hosts"
}

// isCode says whether libvirt answered with that error number.
func isCode(err error, code golibvirt.ErrorNumber) bool {
	var answer golibvirt.Error
	return errors.As(err, &answer) && answer.Code == uint32(code)
}
