package gateway

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/quota"
	"lgsp/internal/problem"
)

// Limit is one that a version sets beside its plan: so many calls within a
// window, of each of those it counts by.
type Limit struct {
	Per    string `json:"per"`    // application, agreement, api (all callers together), operation (the same, each), address
	Calls  int    `json:"calls"`  // 1 to 1,000,000,000
	Window string `json:"window"` // 1s to 12h in whole seconds, day, month (of Vietnam)
}

// The bounds of limits.
const (
	MaxLimits     = 8 // of a version
	maxLimitCalls = 1_000_000_000
)

// limit is a compiled Limit.
type limit struct {
	quota.Window
	per string
	id  uint32 // from 1; 0 is the plan's
}

// compileLimits makes limits fit to count by. It fails with Invalid, one field
// error each, named as in Traffic: limits/0/calls.
func compileLimits(list []Limit) ([]limit, error) {
	wrong := problem.Errorf(problem.Invalid, "the limits cannot be set as given").Coded("limits-invalid")
	if most := strconv.Itoa(MaxLimits); len(list) > MaxLimits {
		return nil, wrong.Wrong("limits", "limits-too-many", "more than "+most+" limits", "max", most)
	}
	var limits []limit
	seen := map[string]bool{}
	for i, l := range list {
		field := "limits/" + strconv.Itoa(i)
		w, err := quota.ParseWindow(l.Window)
		if err != nil {
			wrong.Wrong(field+"/window", "limit-window", err.Error())
		}
		if !slices.Contains(LimitPer(), l.Per) {
			wrong.Wrong(field+"/per", "limit-per", "none of "+strings.Join(LimitPer(), ", "), "known", strings.Join(LimitPer(), ", "))
		}
		if most := strconv.Itoa(maxLimitCalls); l.Calls < 1 || l.Calls > maxLimitCalls {
			wrong.Wrong(field+"/calls", "limit-calls", "not 1 to "+most+" calls", "max", most)
		}
		w.Calls, w.Name = l.Calls, l.Per+"-"+w.String()
		if err == nil && seen[w.Name] {
			wrong.Wrong(field+"/window", "limit-twice", "there is a limit for the same already")
		}
		seen[w.Name] = true
		limits = append(limits, limit{Window: w, per: l.Per, id: uint32(i + 1)})
	}
	if len(wrong.Fields) > 0 {
		wrong.Detail += ": " + wrong.Fields[0].Name + ": " + wrong.Fields[0].Detail
		return nil, wrong
	}
	return limits, nil
}

// LimitPer are what a limit may count by.
func LimitPer() []string { return []string{"application", "agreement", "api", "operation", "address"} }

// takes are the windows that a call is counted against: its plan's and its
// version's, those of a period last. A HEAD is free of what counts by day or
// month; the rest holds it too, for it reaches the upstream.
func (c *call) takes(head bool) []quota.Take {
	plan, who := c.version.Plan, c.payer()
	if c.grant != nil {
		plan = *c.grant.Plan
	}
	list := append(c.takeRoom[:0], quota.Take{Key: who, Window: plan.minute()})
	for _, l := range c.version.limits {
		if key, ok := c.limitKey(l); ok && l.Period == 0 {
			list = append(list, quota.Take{Key: key, Window: l.Window})
		}
	}
	if head {
		return list
	}
	if c.grant != nil {
		list = append(list, quota.Take{Key: who, Window: plan.day()})
		if plan.QuotaPerMonth > 0 {
			list = append(list, quota.Take{Key: who, Window: plan.month()})
		}
	}
	for _, l := range c.version.limits {
		if key, ok := c.limitKey(l); ok && l.Period != 0 {
			list = append(list, quota.Take{Key: key, Window: l.Window})
		}
	}
	return list
}

func (p Plan) minute() quota.Window {
	return quota.Window{Name: "minute", Calls: p.RatePerMinute, Length: time.Minute}
}

func (p Plan) day() quota.Window {
	return quota.Window{Name: "day", Calls: p.QuotaPerDay, Period: quota.Day}
}

func (p Plan) month() quota.Window {
	return quota.Window{Name: "month", Calls: p.QuotaPerMonth, Period: quota.Month}
}

// payer is whose plan the call counts against: its agreement's, else the
// application's or the address's on this version. Under an agreement the key
// is the agreement alone, so that it is one for all that count it.
func (c *call) payer() quota.Key {
	switch {
	case c.grant != nil && c.version.sandbox == nil:
		return quota.Key{What: c.grant.Agreement}
	case c.caller.application != uuid.Nil:
		return quota.Key{Who: c.caller.application, What: c.version.counted()}
	}
	return quota.Key{Who: network(c.address).As16(), What: c.version.counted()}
}

// limitKey is what a limit counts the call by; false when it does not count it.
func (c *call) limitKey(l limit) (quota.Key, bool) {
	key := quota.Key{What: c.version.Version, Limit: l.id}
	switch l.per {
	case "application":
		key.Who = c.caller.application
		return key, c.caller.application != uuid.Nil
	case "agreement":
		if c.grant == nil {
			return key, false
		}
		key.Who = c.grant.Agreement
	case "operation":
		binary.BigEndian.PutUint32(key.Who[12:], uint32(c.operation.index))
	case "address":
		key.Who = network(c.address).As16()
	}
	return key, true
}
