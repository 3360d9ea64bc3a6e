package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"
)

const (
	// serverName is in every certificate, so that no certificate names addresses.
	serverName = "recto-cluster"
	idPrefix   = "spiffe://recto/node/"

	// certLife is how long a member's certificate holds; it is renewed when a third
	// of that is left. Keeping a removed member out does not wait for it.
	certLife = 90 * 24 * time.Hour
	// caLife is longer than any appliance lives: nothing replaces the authority.
	caLife = 50 * 365 * 24 * time.Hour
)

// authority signs the members' certificates. It is an entry of the state, so that
// every member has it and none depends on another to renew its certificate.
type authority struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"` // SEC 1
}

func newAuthority(cluster string, now time.Time) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Recto cluster " + cluster},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("make authority: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return authority{}, fmt.Errorf("make authority: %w", err)
	}
	return authority{Cert: cert, Key: der}, nil
}

// sign gives a certificate for a member's public key. It holds from the first day
// of the cluster on: a member whose clock went ahead and came back is not shut out
// by a certificate that begins in the future.
func (a authority) sign(id string, public any, now time.Time) ([]byte, error) {
	ca, err := x509.ParseCertificate(a.Cert)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	key, err := x509.ParseECPrivateKey(a.Key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	uri, err := url.Parse(idPrefix + id)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: id}, DNSNames: []string{serverName}, URIs: []*url.URL{uri},
		NotBefore: ca.NotBefore, NotAfter: now.Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, ca, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return cert, nil
}

func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	return n, nil
}

// due says whether a certificate should be replaced: a third of its life is left,
// or it ends later than a new one would, which a clock that was wrong has made.
func due(cert *x509.Certificate, now time.Time) bool {
	left := cert.NotAfter.Sub(now)
	return left < certLife/3 || left > certLife+24*time.Hour
}

// keyOf is the name of a public key: SHA-256 of its SPKI form, hex.
func keyOf(cert *x509.Certificate) string { return fingerprint(cert.RawSubjectPublicKeyInfo) }

func fingerprint(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// idOf gives the node ID that a certificate is for.
func idOf(cert *x509.Certificate) (string, error) {
	if len(cert.URIs) != 1 {
		return "", errors.New("the certificate names no node")
	}
	id, ok := strings.CutPrefix(cert.URIs[0].String(), idPrefix)
	if !ok || !validID(id) {
		return "", errors.New("the certificate names no node")
	}
	return id, nil
}

// validID says whether a node ID may stand in a URL as a host.
func validID(id string) bool {
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 63
}
