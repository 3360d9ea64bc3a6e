package broker

import (
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// The anchor is a second, core-only server in this process that holds one
// leafnode connection to the first. NATS starts no Raft group before a route or
// leafnode is connected; a lone member would wait for ever, at each start, and
// could not be rescued after the loss of its peers. Its account has no streams and
// must exist on all members.
const anchorAccount = "ANCHOR"

func anchorListener(o *server.Options, password string) {
	acc := server.NewAccount(anchorAccount)
	o.Accounts = append(o.Accounts, acc)
	o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
	o.LeafNode.NoAdvertise = true
	o.LeafNode.Users = []*server.User{{Username: "anchor", Password: password, Account: acc}}
}

func startAnchor(name string, port int, password string) (*server.Server, error) {
	u := &url.URL{Scheme: "nats-leaf", User: url.UserPassword("anchor", password), Host: fmt.Sprintf("127.0.0.1:%d", port)}
	o := &server.Options{ServerName: "anchor-" + name, DontListen: true, NoSigs: true, NoLog: true, NoSystemAccount: true}
	o.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{u}}}
	o.LeafNode.ReconnectInterval = 100 * time.Millisecond
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("configure anchor: %w", err)
	}
	return s, nil
}
