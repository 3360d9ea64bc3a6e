package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// ClusterConfig says how this machine and the other members of its cluster reach
// each other, and which cluster it joins at its first start.
type ClusterConfig struct {
	// Listen is the address for the other members, host:port; they use the port
	// after it, too. Empty: the host of the node's listen and port 8421,
	// or a free one where another program has that.
	Listen string `toml:"listen"`
	// Advertise is what the others call that address: host or host:port. Empty:
	// found from Listen and the interface that reaches the cluster.
	Advertise string `toml:"advertise"`
	// Name is how people call this machine. Empty: its host name.
	Name string `toml:"name"`
	// Join is the address of a member of the cluster to join at the first start,
	// host:port, and Token what recto token create gave. A machine that belongs to
	// a cluster already looks at neither.
	Join  string `toml:"join"`
	Token string `toml:"token"`
}

func (c ClusterConfig) validate() error {
	if c.Listen != "" {
		if _, port, err := splitPort(c.Listen); err != nil || port > 65534 {
			return fmt.Errorf("cluster.listen: %q is not host:port with a port of at most 65534 (the next one is used, too)", c.Listen)
		}
	}
	if c.Advertise != "" {
		host, err := c.Advertise, error(nil)
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			host, _, err = splitPort(c.Advertise)
		}
		if ip := net.ParseIP(host); err != nil || host == "" || strings.ContainsFunc(host, unicode.IsSpace) || (ip != nil && ip.IsUnspecified()) {
			return fmt.Errorf("cluster.advertise: %q is not the host or host:port by which others reach this machine", c.Advertise)
		}
	}
	if len(c.Name) > 63 || strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsGraphic(r) || r == '/' }) || strings.TrimSpace(c.Name) != c.Name {
		return fmt.Errorf("cluster.name: %q is no name: use at most 63 letters, digits, points and hyphens", c.Name)
	}
	if (c.Join == "") != (c.Token == "") {
		return fmt.Errorf("cluster.join and cluster.token: give both or neither; recto token create, on a member, prints them")
	}
	if c.Join != "" {
		if host, port, err := splitPort(c.Join); err != nil || host == "" || port == 0 {
			return fmt.Errorf("cluster.join: %q is not host:port of a member (port 8421 unless you chose another)", c.Join)
		}
	}
	return nil
}

func splitPort(addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(p)
	if err == nil && (port < 0 || port > 65535) {
		err = fmt.Errorf("port %d", port)
	}
	return host, port, err
}

// peerPort is where members talk to each other; the broker's routes use the next.
const peerPort = 8421

// peerListen is the address for the other members, host:port. A node whose API lets the system
// choose its port lets it choose this one, too; where the API has one of the usual ports, it is
// the next.
func (c Config) peerListen() string {
	if c.Cluster.Listen != "" {
		return c.Cluster.Listen
	}
	host, port, err := splitPort(c.Listen)
	if err != nil {
		return c.Listen // Validate has refused it
	}
	switch port {
	case 0:
	case peerPort, peerPort + 1:
		port++
	default:
		port = peerPort
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// freePeer is peerListen, or, where nobody named a port and another program has
// it, one that the system chooses: alone a node needs none, and who joins it is
// told the right one.
func (c Config) freePeer() string {
	peer := c.peerListen()
	host, port, err := splitPort(peer)
	if c.Cluster.Listen != "" || err != nil || port == 0 {
		return peer
	}
	for _, p := range []int{port, port + 1} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if errors.Is(err, syscall.EADDRINUSE) {
			return net.JoinHostPort(host, "0")
		}
		if err == nil {
			_ = l.Close() // it was only tried
		}
	}
	return peer
}

// routeListen is the address of the broker's routes for peer, the address on
// which this member really listens for the others.
func routeListen(peer string) (string, error) {
	host, port, err := splitPort(peer)
	if err != nil || port > 65534 {
		return "", fmt.Errorf("cluster.listen: no port after that of %q", peer)
	}
	if port != 0 {
		port++
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// memberName is how people call this machine.
func (c Config) memberName() string {
	if c.Cluster.Name != "" {
		return c.Cluster.Name
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "recto"
	}
	return name
}

// joinCommand is what to run on a new machine: peer is this member's address for
// others. The new machine is told to be reachable, as this one is.
func (c Config) joinCommand(peer, token string) string {
	args := []string{"recto up"}
	host, _, err := splitPort(peer)
	_, port, err2 := splitPort(c.Listen)
	if err == nil && err2 == nil && port != 0 && !loopback(host) {
		args = append(args, fmt.Sprintf("--listen :%d", port))
		if c.PlainHTTP {
			args = append(args, "--plain-http")
		}
	}
	return strings.Join(append(args, "--join "+peer, "--token "+token), " ")
}
