package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

const finishFirst = "finish the upgrade first: the cluster still works as the version before did"

// Level is the feature level in use: commands and fields of later ones are not
// proposed. A cluster that says nothing is one of the first version.
func (c *Cluster) Level() int {
	level, _ := c.level()
	return level
}

// level gives the level and the version of its entry.
func (c *Cluster) level() (int, uint64) {
	e, ok := c.Get(kindCluster, "level")
	if !ok {
		return 1, 0
	}
	level, err := strconv.Atoi(string(e.Value))
	if err != nil {
		c.log.Error("read the level", "error", err)
		return 1, e.Version
	}
	return level, e.Version
}

// fits says whether the folder is of the right cluster, and this build can work
// with what it uses.
func (c *Cluster) fits() error {
	id := c.ClusterID()
	if id == "" {
		return nil // new
	}
	if c.cfg.ClusterID != "" && c.cfg.ClusterID != id {
		return fmt.Errorf("the folder is of cluster %s, not %s: %w", id, c.cfg.ClusterID, ErrOtherCluster)
	}
	if _, known := c.Get(kindCluster, "id"); !known {
		return nil // the log has not come yet
	}
	return fits(c.Level(), c.cfg.Levels, c.cfg.Name, c.cfg.Version)
}

func fits(level int, levels [2]int, name, version string) error {
	if level >= levels[0] && level <= levels[1] {
		return nil
	}
	r := &Refusal{Err: ErrLevel, Remedy: "install the version that the other members have"}
	r.Reason = fmt.Sprintf("the cluster uses feature level %d, and %s with version %s can use %d to %d", level, name, version, levels[0], levels[1])
	if level < levels[0] {
		r.Remedy = "finish the upgrade of the cluster first, or install the version that the other members have"
	}
	return r
}

// RaiseLevel finishes an upgrade: the cluster uses from now on what the highest
// level of this build brings, and no member can go back to a version before. It
// answers ErrLevel when a member cannot, and changes nothing then.
func (c *Cluster) RaiseLevel(ctx context.Context) error {
	for {
		if err := c.tellOthers(ctx); err != nil {
			return fmt.Errorf("raise level: %w", err)
		}
		level, version := c.level()
		want := c.cfg.Levels[1]
		if level >= want {
			return nil
		}
		put := Command{Op: OpPut, Kind: kindCluster, Key: "level", Value: []byte(strconv.Itoa(want)), Expect: version}
		joined, _ := c.Get(kindCluster, "joined")
		batch := Command{Op: OpBatch, Batch: []Command{put, {Op: OpCheck, Kind: kindCluster, Key: "joined", Expect: joined.Version}}}
		for _, m := range c.Members() {
			if m.State == Removed {
				continue
			}
			if m.Levels[1] < want {
				return fmt.Errorf("raise level: %w", &Refusal{
					Err:    ErrLevel,
					Reason: fmt.Sprintf("%s has version %s, which can use feature levels up to %d, not %d", m.Name, m.Version, m.Levels[1], want),
					Remedy: "upgrade or remove it first",
				})
			}
			// No member may change its mind meanwhile.
			e, _ := c.Get(kindMember, m.ID)
			batch.Batch = append(batch.Batch, Command{Op: OpCheck, Kind: kindMember, Key: m.ID, Expect: e.Version})
		}
		cmd := batch
		if level < LevelClustered {
			cmd = put // one member alone, which is this one
		}
		if _, err := c.Propose(ctx, cmd); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}
