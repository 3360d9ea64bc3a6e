package cluster

import (
	"encoding/json"
	"fmt"
	"time"
)

// upkeep does what has to be done now and then: it renews this member's
// certificate, writes down how far the log is known to be committed, and, when this
// member leads, removes tokens that are of no use any more.
func (c *Cluster) upkeep() {
	often := time.NewTicker(c.cfg.timing.pulse)
	defer often.Stop()
	next := c.cfg.Clock().Add(c.cfg.timing.upkeep)
	for {
		select {
		case <-c.life.Done():
			return
		case <-often.C:
		}
		if err := c.store.note(); err != nil {
			c.log.Error("note how far the log is", "error", err)
		}
		if now := c.cfg.Clock(); now.Before(next) && next.Sub(now) <= c.cfg.timing.upkeep { // or the clock went back
			continue
		}
		next = c.cfg.Clock().Add(c.cfg.timing.upkeep)
		if err := c.certify(); err != nil {
			c.log.Error("renew certificate", "error", err)
		}
		if c.Leads() {
			c.sweepTokens()
		}
	}
}

// certify gives this member a certificate when it has none, or one that is due.
// Every member has the authority, so it needs nobody for that: also a cluster that
// was switched off for longer than certificates hold comes up again.
func (c *Cluster) certify() error {
	c.certifying.Lock()
	defer c.certifying.Unlock()
	e, ok := c.Get(kindCluster, "ca")
	if !ok {
		return nil // just joined, with a new certificate
	}
	var ca authority
	if err := json.Unmarshal(e.Value, &ca); err != nil {
		return fmt.Errorf("read authority: %w", err)
	}
	if now, err := c.creds.current(); err == nil && !due(now.Leaf, c.now()) && fingerprint(now.Certificate[1]) == fingerprint(ca.Cert) {
		return c.serve()
	}
	cert, err := ca.sign(c.id, c.creds.key.Public(), c.now())
	if err != nil {
		return err
	}
	if err := c.store.setSelf(func(s *self) { s.Cert, s.CA, s.Cluster = cert, ca.Cert, c.ClusterID() }); err != nil {
		return err
	}
	if err := c.creds.set(cert, ca.Cert); err != nil {
		return err
	}
	c.log.Info("new certificate", "until", c.CertUntil())
	return c.serve()
}

// CertUntil is the end of this member's certificate; zero: it has none.
func (c *Cluster) CertUntil() time.Time {
	cert, err := c.creds.current()
	if err != nil {
		return time.Time{}
	}
	return cert.Leaf.NotAfter
}
