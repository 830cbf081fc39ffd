package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshServer is an OpenSSH-like server on this machine that lets one key in and forwards to unix
// sockets, which is all that a libvirt connection needs of one.
type sshServer struct {
	address    string
	hostKey    ssh.PublicKey
	clientKey  string // path of the private key that it lets in
	knownHosts string // path of a file with its host key
}

func newKey(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

func writeFile(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func startSSH(t *testing.T) *sshServer {
	t.Helper()
	// The user's own SSH configuration and agent have no part in this.
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	hostSigner, _ := newKey(t)
	clientSigner, clientKey := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(clientSigner.PublicKey().Marshal()) {
			return nil, fmt.Errorf("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(hostSigner)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			go serveSSH(conn, config)
		}
	}()
	block, err := ssh.MarshalPrivateKey(clientKey, "")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	server := &sshServer{address: listener.Addr().String(), hostKey: hostSigner.PublicKey()}
	server.clientKey = writeFile(t, filepath.Join(folder, "id"), pem.EncodeToMemory(block))
	server.knownHosts = writeFile(t, filepath.Join(folder, "known_hosts"),
		[]byte(knownhosts.Line([]string{server.address}, server.hostKey)+"\n"))
	return server
}

func serveSSH(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return // the client is told why
	}
	defer server.Close()
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		var target struct {
			Path     string
			Reserved string
			Unused   uint32
		}
		if channel.ChannelType() != "direct-streamlocal@openssh.com" || ssh.Unmarshal(channel.ExtraData(), &target) != nil {
			channel.Reject(ssh.UnknownChannelType, "not forwarded")
			continue
		}
		socket, err := net.Dial("unix", target.Path)
		if err != nil {
			channel.Reject(ssh.ConnectionFailed, "open failed")
			continue
		}
		stream, requests, err := channel.Accept()
		if err != nil {
			socket.Close()
			continue
		}
		go ssh.DiscardRequests(requests)
		go func() { defer socket.Close(); io.Copy(socket, stream) }()
		go func() { defer stream.Close(); io.Copy(stream, socket) }()
	}
}

// uri is a URI of the server, with those parameters.
func (s *sshServer) uri(parameters ...string) string {
	return fmt.Sprintf("qemu+ssh://root@%s/system?sshauth=privkey&%s", s.address, strings.Join(parameters, "&"))
}

func dialFails(t *testing.T, uri string, wanted ...string) {
	t.Helper()
	_, err := dial(context.Background(), &host{uri: uri})
	if err == nil {
		t.Fatal("it connected")
	}
	for _, part := range wanted {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestDialExpandsVariablesInThePathsOfTheKeys(t *testing.T) {
	l := newLive(t)
	server := startSSH(t)
	t.Setenv("BRAMBLE_TEST_FOLDER", filepath.Dir(server.clientKey))
	direct, err := url.Parse(l.host.uri)
	if err != nil {
		t.Fatal(err)
	}
	parameters := []string{"keyfile=$BRAMBLE_TEST_FOLDER/id", "knownhosts=$BRAMBLE_TEST_FOLDER/known_hosts"}
	if socket := direct.Query().Get("socket"); socket != "" {
		parameters = append(parameters, "socket="+socket)
	}
	h := &host{uri: server.uri(parameters...), dial: dial}
	conn, err := h.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.virt.ConnectGetHostname(); err != nil {
		t.Error(err)
	}
	if err := conn.virt.Disconnect(); err != nil {
		t.Error(err)
	}
}

func TestDialNamesAKeyFileThatIsMissing(t *testing.T) {
	server := startSSH(t)
	t.Setenv("BRAMBLE_TEST_FOLDER", "/nowhere")
	dialFails(t, server.uri("keyfile=$BRAMBLE_TEST_FOLDER/id"), "127.0.0.1", "keyfile=$BRAMBLE_TEST_FOLDER/id", "/nowhere/id")
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts=/nowhere/hosts"), "knownhosts=/nowhere/hosts")
}

func TestDialSaysThatTheHostKeyIsUnknown(t *testing.T) {
	server := startSSH(t)
	empty := writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), nil)
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts="+empty), "127.0.0.1", "host key is not in "+empty)
}

func TestDialSaysThatTheHostKeyHasChanged(t *testing.T) {
	server := startSSH(t)
	other, _ := newKey(t)
	changed := writeFile(t, filepath.Join(t.TempDir(), "known_hosts"),
		[]byte(knownhosts.Line([]string{server.address}, other.PublicKey())+"\n"))
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts="+changed), "not the one in "+changed, "installed again",
		"expected "+ssh.FingerprintSHA256(other.PublicKey()), "shown "+ssh.FingerprintSHA256(server.hostKey))
}

func TestDialSaysThatTheKeyIsNotLetIn(t *testing.T) {
	server := startSSH(t)
	_, key := newKey(t)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	wrong := writeFile(t, filepath.Join(t.TempDir(), "id"), pem.EncodeToMemory(block))
	dialFails(t, server.uri("keyfile="+wrong, "knownhosts="+server.knownHosts), "does not let root in", "authorized_keys")
}

func TestDialSaysThatThereIsNoKeyToLogInWith(t *testing.T) {
	server := startSSH(t)
	empty := writeFile(t, filepath.Join(t.TempDir(), "id"), nil)
	dialFails(t, server.uri("keyfile="+empty, "knownhosts="+server.knownHosts), "no key to log in with", "without a passphrase")
}

func TestDialSaysThatLibvirtIsNotRunning(t *testing.T) {
	server := startSSH(t)
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts="+server.knownHosts, "socket=/nowhere/libvirt-sock"),
		"sshd lets root in", "libvirtd is running")
	dialFails(t, "qemu:///system?socket=/nowhere/libvirt-sock", "this machine", "libvirtd is running")
}

func TestDialSaysThatTheHostIsOff(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	server := startSSH(t)
	server.address = address
	start := time.Now()
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts="+server.knownHosts), address, "machine is on", "sshd is running")
	// 192.0.2.0/24 is reserved for documentation: nobody answers there.
	server.address = "192.0.2.199:22"
	dialFails(t, server.uri("keyfile="+server.clientKey, "knownhosts="+server.knownHosts), "192.0.2.199", "machine is on")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestDialCallsTheHostByItsName(t *testing.T) {
	server := startSSH(t)
	dialFails(t, server.uri("keyfile=/nowhere", "host=shelf3"), "libvirt on shelf3 (qemu+ssh://root@"+server.address)
}

func TestDialHidesAPassword(t *testing.T) {
	_, err := dial(context.Background(), &host{uri: "qemu+ssh://root:hunter2@127.0.0.1:1/system?keyfile=/nowhere"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("it says %v", err)
	}
}

func TestWithinGivesUp(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	wait := func() (int, error) { <-never; return 0, nil }
	if _, err := within(context.Background(), 10*time.Millisecond, wait); err == nil || !strings.Contains(err.Error(), "10ms") {
		t.Errorf("after its limit it says %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := within(cancelled, time.Hour, wait); err != context.Canceled {
		t.Errorf("when cancelled it says %v", err)
	}
}
