package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt/uri"
)

const (
	// dialLimit bounds TCP, SSH and the opening of libvirt's socket. A host without an answer to TCP
	// fails after 2 s (the uri package); this is for an sshd that accepts and then says nothing.
	dialLimit = 15 * time.Second
	// openLimit bounds what follows: a libvirtd that systemd starts for this connection first looks
	// at the QEMU of its host, which takes most of a minute where it is slow.
	openLimit = 90 * time.Second
)

// connection is a live connection to a host.
type connection struct {
	host *host
	// stock is the client that the stock provider's functions take as their meta. It keeps its own
	// connection (and its own mutexes) to itself.
	stock any
	// virt is this provider's own connection, for what the stock functions do not do.
	virt *golibvirt.Libvirt
}

// host is a libvirt host, connected to when an operation first needs it.
type host struct {
	uri  string
	dial func(ctx context.Context, h *host) (*connection, error)

	mu   sync.Mutex // guards conn, and lets one operation dial while others wait for the outcome
	conn *connection

	pools keyedMutex
}

var (
	hostsMu sync.Mutex
	hosts   = map[string]*host{}
)

// hostOf returns the one host of that URI in this process; nothing is connected yet.
func hostOf(uri string) *host {
	hostsMu.Lock()
	defer hostsMu.Unlock()
	if h, ok := hosts[uri]; ok {
		return h
	}
	h := &host{uri: uri, dial: dial}
	hosts[uri] = h
	return h
}

// connect returns the connection to the host and makes it if there is none, or none any more. A
// failure is not kept: the next operation tries again.
func (h *host) connect(ctx context.Context) (*connection, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn != nil && h.conn.alive() {
		return h.conn, nil
	}
	h.conn = nil
	conn, err := h.dial(ctx, h)
	if err != nil {
		return nil, err
	}
	h.conn = conn
	return conn, nil
}

// alive says whether the connection has not been lost, for example to a restart of libvirtd.
func (c *connection) alive() bool {
	return c.virt == nil || c.virt.IsConnected()
}

// disconnectAll says goodbye to the hosts that were connected.
func disconnectAll() {
	hostsMu.Lock()
	defer hostsMu.Unlock()
	for _, h := range hosts {
		if h.conn != nil && h.conn.virt != nil && h.conn.alive() {
			// The process ends: there is nobody left to hear of a failure.
			_ = h.conn.virt.Disconnect()
		}
	}
}

// dial connects to a host. Its errors name the host and say what to check.
func dial(ctx context.Context, h *host) (*connection, error) {
	u, err := uri.Parse(h.uri)
	if err != nil {
		return nil, fmt.Errorf("the libvirt URI %q cannot be read: %w", h.uri, err)
	}
	if err := checkKeyFiles(u); err != nil {
		return nil, explainDial(u, err)
	}
	virt := golibvirt.NewWithDialer(boundedDialer{u})
	if _, err := within(ctx, openLimit, func() (struct{}, error) {
		return struct{}{}, virt.ConnectToURI(golibvirt.ConnectURI(u.RemoteName()))
	}); err != nil {
		return nil, explainDial(u, err)
	}
	config := libvirt.Config{URI: h.uri}
	stock, err := within(ctx, dialLimit+openLimit, config.Client)
	if err != nil {
		_ = virt.Disconnect() // err is the one to report
		return nil, explainDial(u, err)
	}
	return &connection{host: h, stock: stock, virt: virt}, nil
}

// boundedDialer dials a URI and gives up after dialLimit.
type boundedDialer struct{ uri *uri.ConnectionURI }

func (b boundedDialer) Dial() (net.Conn, error) {
	return within(context.Background(), dialLimit, b.uri.Dial)
}

// within calls f and waits for it until limit. A call that is given up goes on unseen, since neither
// SSH nor libvirt's protocol can be interrupted here; what it still opens ends with the process.
func within[T any](ctx context.Context, limit time.Duration, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f()
		done <- outcome{value, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var none T
	select {
	case o := <-done:
		return o.value, o.err
	case <-timer.C:
		return none, errNoAnswer{limit}
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// errNoAnswer is the error of a host that accepts a connection and then is mute.
type errNoAnswer struct{ after time.Duration }

func (e errNoAnswer) Error() string {
	return fmt.Sprintf("no answer within %s", e.after)
}

// keyedMutex is a mutex per key.
type keyedMutex struct{ locks sync.Map }

// lock locks the key and returns what unlocks it.
func (k *keyedMutex) lock(key string) (unlock func()) {
	value, _ := k.locks.LoadOrStore(key, &sync.Mutex{})
	mutex := value.(*sync.Mutex)
	mutex.Lock()
	return mutex.Unlock
}
