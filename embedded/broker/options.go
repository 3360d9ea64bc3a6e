package broker

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"

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

func options(cfg Config, creds credentials) (*server.Options, error) {
	o := &server.Options{}
	if err := o.ProcessConfigString(fmt.Sprintf(accounts, account, creds.app, creds.sys)); err != nil {
		return nil, fmt.Errorf("configure accounts: %w", err)
	}
	maxStore, err := maxStore(cfg)
	if err != nil {
		return nil, err
	}
	clusterPort, err := freePort()
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

	// A route to itself is what lets JetStream start clustered with one member.
	o.Cluster.Name = cfg.ClusterName
	o.Cluster.Host, o.Cluster.Port = "127.0.0.1", clusterPort
	o.Cluster.Username, o.Cluster.Password = "route", creds.route
	o.Routes = []*url.URL{{Scheme: "nats", User: url.UserPassword("route", creds.route), Host: fmt.Sprintf("127.0.0.1:%d", clusterPort)}}

	anchorListener(o, creds.anchor)
	return o, nil
}

// freePort finds a port for the route listener, which must be known before the
// server starts because the server's own route points at it.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port for routes: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
