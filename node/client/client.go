// Package client talks to a Recto node over its HTTP API. The command line uses
// it, and so may any Go program.
//
// It streams uploads, follows events across broken connections, and turns every
// answer that is an error back into the *doc.Error the node meant. It trusts a
// node's self-made certificate by its fingerprint or its file, never blindly.
//
// Given the addresses of several members of a cluster it asks another one when
// one cannot be reached or cannot answer, as long as asking twice does no harm:
// reading never does, nor does sending a file again, since the same bytes are the
// same document. What it has written it finds on every member: it keeps the
// position of its writes and shows it with each request.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// TLS says which node to trust. The zero value trusts what the system trusts.
type TLS struct {
	CAFile      string // PEM file: the site's authority, or the node's own certificate
	Fingerprint string // sha256:<hex> of the node's public key, as the node prints it
}

// Client talks to one node, or to the members of one cluster. It is safe for
// concurrent use.
type Client struct {
	bases []*url.URL
	at    atomic.Int32 // of the one that worked last
	key   string
	http  *http.Client
	// patience is how long a member may be silent before the next one is asked:
	// nothing of a body taken and no answer begun. Only when there is a next one.
	patience struct{ read, write time.Duration }

	mu       sync.Mutex
	position doc.Position // of what was written through this client
}

// timeouts of the connection; how long an answer may take is up to the context.
const (
	dialTimeout = 10 * time.Second
	idleTimeout = 60 * time.Second
	maxError    = 1 << 20 // bytes read of an answer that is an error

	readPatience  = 10 * time.Second
	writePatience = 30 * time.Second // a file is made durable on several disks
)

// New makes a client of the node at addr: a URL, or host:port, which means plain
// HTTP on a loopback address and HTTPS elsewhere; or of the members of a cluster,
// their addresses separated by commas. key is an API key.
func New(addr, key string, trust TLS) (*Client, error) {
	var bases []*url.URL
	for _, one := range strings.Split(addr, ",") {
		base, err := parseAddr(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		bases = append(bases, base)
	}
	cfg, err := trust.config()
	if err != nil {
		return nil, err
	}
	c := &Client{bases: bases, key: key, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: idleTimeout, TLSClientConfig: cfg,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key goes nowhere else
	}}
	c.patience.read, c.patience.write = readPatience, writePatience
	return c, nil
}

// Close drops idle connections. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseAddr(addr string) (*url.URL, error) {
	if !strings.Contains(addr, "://") {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, doc.Errorf(doc.Invalid, "address %q: use host:port or a URL", addr)
		}
		scheme := "https"
		if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
			scheme = "http"
		}
		addr = scheme + "://" + addr
	}
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, doc.Errorf(doc.Invalid, "address %q: use host:port or a URL", addr)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, doc.Errorf(doc.Invalid, "%s holds no certificate", t.CAFile)
		}
	}
	if t.Fingerprint != "" {
		want, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(t.Fingerprint), "sha256:"))
		if err != nil || len(want) != sha256.Size {
			return nil, doc.Errorf(doc.Invalid, "fingerprint %q: use sha256: and 64 hexadecimal digits", t.Fingerprint)
		}
		cfg.InsecureSkipVerify = t.CAFile == "" // the key itself is compared instead of who signed for it
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
			if !bytes.Equal(got[:], want) {
				return fmt.Errorf("the node shows another key (sha256:%x): not the one that was pinned", got)
			}
			return nil
		}
	}
	return cfg, nil
}

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         func() io.Reader // from its beginning; nil: none
	once         bool             // body has one beginning only
	again        bool             // of a write: doing it twice is doing it once
	size         int64            // of body; -1: not known
	media        string
	tell         func(sent int64) // of bytes of the body taken; may be nil
}

// segment escapes a name for use in a path.
func segment(name string) string { return url.PathEscape(name) }

// request makes what attempt sends.
func (c *Client) request(ctx context.Context, r request, at int, w *watch) (*http.Request, error) {
	target := c.bases[at].String() + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil && r.size != 0 {
		body = watched{r.body(), w}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		req.ContentLength = r.size
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.position != (doc.Position{}) {
		req.Header.Set(positionHeader, c.position.String())
	}
	return req, nil
}

// positionHeader carries how far a member was after a write.
const positionHeader = "Recto-Position"

// keep remembers the position of a write.
func (c *Client) keep(res *http.Response) {
	p, err := doc.ParsePosition(res.Header.Get(positionHeader))
	if err != nil {
		return // a read, or a node on its own
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.position = c.position.Max(p)
}

// reason is the part of a network error that tells people something.
func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// failure turns an error answer back into what the node meant.
func failure(res *http.Response) error {
	var f struct {
		Error struct {
			doc.Error
			RequestID string `json:"request_id"`
		} `json:"error"`
	}
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxError))
	if json.Unmarshal(raw, &f) != nil || f.Error.Code == "" {
		switch res.StatusCode {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // of a proxy
			return doc.Errorf(doc.Unavailable, "the node cannot be reached through the proxy before it: %s", res.Status)
		}
		return doc.Errorf(doc.Internal, "the node answered %s, and not as a Recto node does", res.Status)
	}
	out := f.Error.Error
	if out.Code == doc.Internal {
		out.Message += " (" + f.Error.RequestID + ")"
	}
	return &Answer{Status: res.StatusCode, RequestID: f.Error.RequestID, RetryAfter: retryAfter(res), err: &out}
}

func retryAfter(res *http.Response) time.Duration {
	n, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Answer is an error that the node answered with; its cause is a *doc.Error.
type Answer struct {
	Status     int    // HTTP
	RequestID  string // under which the node's log knows more
	RetryAfter time.Duration
	err        *doc.Error
}

// Error implements error.
func (a *Answer) Error() string { return a.err.Error() }

// Unwrap gives the coded error.
func (a *Answer) Unwrap() error { return a.err }

// call sends a request and decodes the JSON answer into out, if there is one.
func (c *Client) call(ctx context.Context, r request, out any) error {
	res, err := c.open(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil || res.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("decode answer of %s %s: %w", r.method, r.path, err)
	}
	return nil
}

// send is call with a JSON body.
func (c *Client) send(ctx context.Context, method, path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.call(ctx, request{method: method, path: path, body: func() io.Reader { return bytes.NewReader(raw) }, size: int64(len(raw)), media: "application/json"}, out)
}

func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query}, out)
}
