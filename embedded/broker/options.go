package broker

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// account is the one that holds Recto's streams; it must be the same on all members.
const account = "RECTO"

// credentials are passwords that live as long as the process: every connection
// comes from within it.
type credentials struct{ app, sys, route, anchor string }

func newCredentials() credentials {
	return credentials{app: rand.Text(), sys: rand.Text(), route: rand.Text(), anchor: rand.Text()}
}

// accounts is configuration text, because an account with JetStream cannot be
// made from Go values.
const accounts = `
accounts {
  %s { jetstream: enabled, users: [ {user: app, password: %q, allowed_connection_types: ["IN_PROCESS"]} ] }
  "$SYS" { users: [ {user: sys, password: %q, allowed_connection_types: ["IN_PROCESS"]} ] }
}
system_account: "$SYS"
`

func options(cfg Config, creds credentials, gate *gate, peers []Peer) (*server.Options, error) {
	o := &server.Options{}
	if err := o.ProcessConfigString(fmt.Sprintf(accounts, account, creds.app, creds.sys)); err != nil {
		return nil, fmt.Errorf("configure accounts: %w", err)
	}
	maxStore, err := maxStore(cfg)
	if err != nil {
		return nil, err
	}
	o.ServerName = cfg.ServerName
	o.NoSigs = true // signals belong to main
	o.DisableJetStreamBanner = true
	o.MaxPayload = MaxPayload

	// Without a client listener the routes never start and Shutdown hangs; its
	// users are good for in-process connections only.
	o.Host, o.Port = "127.0.0.1", server.RANDOM_PORT

	o.JetStream = true
	o.StoreDir = cfg.Dir
	o.JetStreamMaxStore = maxStore
	o.JetStreamMaxMemory = 64 << 20
	o.SyncAlways = true // without it a power cut loses whole streams

	anchorListener(o, creds.anchor)
	return o, routeOptions(o, cfg, creds, gate, peers)
}

// routeOptions says where other members connect, and where to connect to.
func routeOptions(o *server.Options, cfg Config, creds credentials, gate *gate, peers []Peer) error {
	c := &o.Cluster
	c.Name = cfg.ClusterName
	c.NoAdvertise = true // of the client's address, which is no use to others
	c.PingInterval, c.MaxPingsOut = routePing, routePings
	if cfg.RouteTLS == nil {
		port, err := freePort("127.0.0.1")
		if err != nil {
			return err
		}
		c.Host, c.Port = "127.0.0.1", port
		c.Username, c.Password = "route", creds.route
		o.Routes = []*url.URL{{Scheme: "nats", User: url.UserPassword("route", creds.route), Host: fmt.Sprintf("127.0.0.1:%d", port)}}
		return nil
	}
	host, port, err := net.SplitHostPort(cfg.Route)
	if err != nil {
		return fmt.Errorf("route address: %w", err)
	}
	if c.Port, err = strconv.Atoi(port); err != nil {
		return fmt.Errorf("route address: %w", err)
	}
	c.Host, c.Advertise = host, cfg.Advertise
	c.TLSConfig, c.TLSTimeout = gate.config, routeHandshake.Seconds()
	o.Routes = routesTo(cfg, peers)
	return nil
}

// Routes notice after twelve seconds that the other side hears nothing: a link that
// swallows packets would hold a connection for many minutes.
const (
	routePing      = 3 * time.Second
	routePings     = 3
	routeHandshake = 5 * time.Second
)

// settle chooses the port of a route address that leaves it open.
func settle(route string) (string, error) {
	if route == "" {
		route = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(route)
	if err != nil {
		return "", fmt.Errorf("route address: %w", err)
	}
	if port != "0" {
		return route, nil
	}
	free, err := freePort(host)
	return net.JoinHostPort(host, strconv.Itoa(free)), err
}

// probeListen says beforehand whether the route address can be listened on; the
// server would call it fatal, like damaged files.
func probeListen(route string) error {
	l, err := net.Listen("tcp", route)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRoute, err)
	}
	return l.Close()
}

// freePort finds a port for the route listener, which must be known before the
// server starts because the server's own route points at it.
func freePort(host string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a port for routes: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
