package cluster

import (
	"context"
	"errors"
	"net/http"
	"time"
)

var errSoon = errors.New("not built yet")

// Joined is what a join brought.
type Joined struct {
	ClusterID string
	Members   []Member // of the cluster, with this one
	Level     int
}

// Join makes this machine a member.
func Join(ctx context.Context, cfg Config, addr, token string) (Joined, error) {
	return Joined{}, errSoon
}

// Token makes a token.
func (c *Cluster) Token(ctx context.Context, ttl time.Duration) (secret string, expires time.Time, err error) {
	return "", time.Time{}, errSoon
}

func (c *Cluster) sweepTokens() {}

func (c *Cluster) reach(context.Context, struct{}) (struct{}, error)     { return struct{}{}, errSoon }
func (c *Cluster) admitJoin(context.Context, struct{}) (struct{}, error) { return struct{}{}, errSoon }
func (c *Cluster) askJoin(context.Context, struct{}) (struct{}, error)   { return struct{}{}, errSoon }
func answerGreeting(c *Cluster) http.Handler                             { return http.NotFoundHandler() }

// Plan says what Recover would do.
type Plan struct {
	Cluster   string
	Self      Member
	Lost      []Member // members that are given up
	LastIndex uint64   // of the log here
	LastTerm  uint64
	Known     uint64 // index known to be committed
	Epoch     uint64
	Changed   time.Time // time of the last command here
}

// PlanRecovery says what Recover would do.
func PlanRecovery(ctx context.Context, cfg Config) (Plan, error) { return Plan{}, errSoon }

// Recover makes this member the cluster.
func Recover(ctx context.Context, cfg Config, plan Plan) error { return errSoon }
