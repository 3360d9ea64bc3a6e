package node

import "testing"

// Other members are listened for on the host of the API, at ports that are the
// same everywhere unless somebody chose others.
func TestPeerAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ listen, cluster, peer, route string }{
		{"127.0.0.1:8420", "", "127.0.0.1:8421", "127.0.0.1:8422"},
		{":443", "", ":8421", ":8422"},
		{"127.0.0.1:8421", "", "127.0.0.1:8422", "127.0.0.1:8423"},
		{"127.0.0.1:8422", "", "127.0.0.1:8423", "127.0.0.1:8424"},
		{"[fd00::7]:8420", "", "[fd00::7]:8421", "[fd00::7]:8422"},
		{"127.0.0.1:0", "", "127.0.0.1:0", "127.0.0.1:0"},
		{"127.0.0.1:8420", "10.0.0.7:9000", "10.0.0.7:9000", "10.0.0.7:9001"},
	} {
		c := Default()
		c.Listen, c.Cluster.Listen = tt.listen, tt.cluster
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		peer := c.peerListen()
		route, err := routeListen(peer)
		if err != nil || peer != tt.peer || route != tt.route {
			t.Errorf("listen %s, cluster.listen %q: members on %s, routes on %s, %v; want %s and %s", tt.listen, tt.cluster, peer, route, err, tt.peer, tt.route)
		}
	}
	if _, err := routeListen("a:65535"); err == nil {
		t.Error("there is a port after the last")
	}
	c := Default()
	if c.memberName() == "" {
		t.Error("a machine without a name")
	}
	if c.Cluster.Name = "cellar-1"; c.memberName() != "cellar-1" {
		t.Errorf("called %q", c.memberName())
	}
}

// A new machine that runs the command can be reached by the others.
func TestJoinCommand(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Listen = ":8420"
	if got, want := c.joinCommand("10.0.0.5:8421", "rct1.a"), "recto up --listen :8420 --join 10.0.0.5:8421 --token rct1.a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.PlainHTTP = true
	if got, want := c.joinCommand("[fd00::7]:8421", "t"), "recto up --listen :8420 --plain-http --join [fd00::7]:8421 --token t"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c = Default()
	if got, want := c.joinCommand("127.0.0.1:8421", "t"), "recto up --join 127.0.0.1:8421 --token t"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
