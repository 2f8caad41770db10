package gateway

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// MaxConditions is how many conditions a version may have.
const MaxConditions = 8

// maxConditionNetworks is how many networks a condition may name.
const maxConditionNetworks = 32

// Condition is what calls of some operations must meet beside their agreement.
// An operation under several meets them all.
type Condition struct {
	Operations []string `json:"operations,omitempty"` // ids; none: every operation of Access
	Access     string   `json:"access,omitempty"`     // restricted or personal, "": any; only without Operations
	Hours      *Hours   `json:"hours,omitempty"`
	Networks   []string `json:"networks,omitempty"`    // addresses and networks in CIDR notation that it may come from; none: any
	TwoFactors bool     `json:"two_factors,omitempty"` // the token is of a person who signed in with two factors
	Purpose    bool     `json:"purpose,omitempty"`     // it says what for, in LGSP-Purpose, however many agreements there are
}

// Hours are when calls may be made, as clocks in Vietnam go.
type Hours struct {
	Days  []int  `json:"days,omitempty"` // 1 Monday to 7 Sunday (ISO 8601); none: each
	From  string `json:"from"`           // 07:30
	Until string `json:"until"`          // the first minute that it is over, 24:00 at most; before From: on the day after
}

// covers reports whether the condition is for an operation.
func (given Condition) covers(id, access string) bool {
	if given.Operations != nil {
		return slices.Contains(given.Operations, id)
	}
	ofCaller := given.TwoFactors || given.Purpose // whom nobody knows at an open operation
	return given.Access == access || given.Access == "" && !(ofCaller && access == Open)
}

// ConditionsOf are the kinds of conditions that an operation has beside its
// agreement: hours, network, two-factors, purpose.
func (t Traffic) ConditionsOf(id, access string) []string {
	var has [4]bool
	for _, c := range t.Conditions {
		if c.covers(id, access) {
			has = [4]bool{has[0] || c.Hours != nil, has[1] || len(c.Networks) > 0, has[2] || c.TwoFactors, has[3] || c.Purpose}
		}
	}
	names := []string{}
	for i, name := range []string{"hours", "network", "two-factors", "purpose"} {
		if has[i] {
			names = append(names, name)
		}
	}
	return names
}

// HoursOf are the hours of an operation; a call is within all of them.
func (t Traffic) HoursOf(id, access string) []Hours {
	var list []Hours
	for _, c := range t.Conditions {
		if c.Hours != nil && c.covers(id, access) {
			list = append(list, *c.Hours)
		}
	}
	return list
}

// condition is a compiled Condition.
type condition struct {
	days        [8]bool // on which the hours begin, by ISO number
	from, until int     // minutes of the day; until 0: at any time; until before from: over midnight
	networks    []netip.Prefix
	twoFactors  bool
	purpose     bool
}

// compileConditions gives the operations of a version their conditions. It
// fails with Invalid, one field error each, named as in Traffic:
// conditions/0/networks.
func (v *version) compileConditions() error {
	wrong := problem.Errorf(problem.Invalid, "the conditions cannot be set as given").Coded("traffic-wrong")
	list := v.Traffic.Conditions
	if most := strconv.Itoa(MaxConditions); len(list) > MaxConditions {
		return wrong.Wrong("conditions", "conditions-too-many", "more than "+most+" conditions", "max", most)
	}
	for i, given := range list {
		wrongs := conditionFaults{wrong, "conditions/" + strconv.Itoa(i)}
		c := given.compile(wrongs)
		for _, o := range v.covered(given, wrongs) {
			o.conditions = append(o.conditions, c)
			if _, ever := o.opens(time.Time{}); c.until != 0 && !ever {
				wrongs.add("/hours/from", "condition-never", fmt.Sprintf("operation %s would never be open, with the hours of the conditions before", o.ID), "operation", o.ID)
			}
		}
	}
	if len(wrong.Fields) > 0 {
		wrong.Detail += ": " + wrong.Fields[0].Name + ": " + wrong.Fields[0].Detail
		return wrong
	}
	return nil
}

// conditionFaults are what is wrong with one condition.
type conditionFaults struct {
	all *problem.Error
	at  string
}

func (f conditionFaults) add(field, code, detail string, args ...string) {
	f.all.Wrong(f.at+field, code, detail, args...)
}

// covered are the operations that a condition is for. Of callers of open
// operations, whom nobody knows, only hours and networks can be asked.
func (v *version) covered(given Condition, wrong conditionFaults) []*operation {
	if given.Access != "" && (given.Access != Restricted && given.Access != Personal || given.Operations != nil) {
		wrong.add("/access", "condition-access", "an access is restricted or personal, and stands in place of operations")
	}
	for _, id := range given.Operations {
		o := v.byID[id]
		switch {
		case o == nil:
			wrong.add("/operations", "condition-operation", fmt.Sprintf("there is no operation %q", id), "operation", id)
		case (given.TwoFactors || given.Purpose) && o.Access == Open:
			wrong.add("/operations", "condition-open", fmt.Sprintf("operation %q is open: nobody is asked who they are", id), "operation", id)
		}
	}
	var list []*operation
	for _, o := range v.operations {
		if given.covers(o.ID, o.Access) {
			list = append(list, o)
		}
	}
	return list
}

func (given Condition) compile(wrong conditionFaults) *condition {
	c := &condition{twoFactors: given.TwoFactors, purpose: given.Purpose}
	if given.Hours == nil && len(given.Networks) == 0 && !given.TwoFactors && !given.Purpose {
		wrong.add("/hours/from", "condition-empty", "the condition asks for nothing")
	}
	if most := strconv.Itoa(maxConditionNetworks); len(given.Networks) > maxConditionNetworks {
		wrong.add("/networks", "network-many", "more than "+most+" networks", "max", most)
		return c
	}
	for _, text := range given.Networks {
		network, err := auth.ParseNetwork(text)
		if err != nil {
			wrong.add("/networks", "network-form", err.Error(), "network", text)
		}
		c.networks = append(c.networks, network)
	}
	if given.Hours != nil {
		c.compileHours(*given.Hours, wrong)
	}
	return c
}

func (c *condition) compileHours(h Hours, wrong conditionFaults) {
	var err error
	if c.from, err = minuteOf(h.From); err != nil {
		wrong.add("/hours/from", "condition-hours", err.Error())
	}
	if c.until, err = minuteOf(h.Until); err != nil || c.until == 0 || c.until == c.from {
		wrong.add("/hours/until", "condition-hours", fmt.Sprintf("%q is no time of day after %q", h.Until, h.From))
	}
	for _, day := range h.Days {
		if day < 1 || day > 7 {
			wrong.add("/hours/days", "condition-days", fmt.Sprintf("day %d is not 1 (Monday) to 7 (Sunday)", day))
			continue
		}
		c.days[day] = true
	}
	if len(h.Days) == 0 {
		c.days = [8]bool{false, true, true, true, true, true, true, true}
	}
}

// minuteOf reads 07:30, or 24:00.
func minuteOf(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day as 07:30", text)
	}
	return at.Hour()*60 + at.Minute(), nil
}

// vietnam is where hours are told: UTC+7 all year.
var vietnam = time.FixedZone("", 7*60*60)

// open reports whether it is one of the hours.
func (c *condition) open(now time.Time) bool {
	if c.until == 0 {
		return true
	}
	at := now.In(vietnam)
	minute, day := at.Hour()*60+at.Minute(), isoDay(at)
	if c.from < c.until {
		return c.days[day] && c.from <= minute && minute < c.until
	}
	return c.days[day] && minute >= c.from || c.days[isoDay(at.AddDate(0, 0, -1))] && minute < c.until
}

// isoDay is 1 on Monday to 7 on Sunday.
func isoDay(at time.Time) int { return (int(at.Weekday())+6)%7 + 1 }

// opens gives the first moment after now that all hours of an operation allow,
// within eight days; false when there is none.
func (o *operation) opens(now time.Time) (time.Time, bool) {
	today := now.In(vietnam)
	var first time.Time
	for _, c := range o.conditions {
		for day := range 9 {
			at := time.Date(today.Year(), today.Month(), today.Day()+day-1, 0, c.from, 0, 0, vietnam)
			if c.until == 0 || !at.After(now) || !first.IsZero() && !at.Before(first) {
				continue
			}
			if !slices.ContainsFunc(o.conditions, func(c *condition) bool { return !c.open(at) }) {
				first = at
			}
		}
	}
	return first, !first.IsZero()
}

// asked are the conditions of an operation, for the policy.
func (o *operation) asked() policy.Conditions {
	var all policy.Conditions
	for _, c := range o.conditions {
		all.Hours = all.Hours || c.until != 0
		all.Network = all.Network || len(c.networks) > 0
		all.Assurance = all.Assurance || c.twoFactors
		all.Purpose = all.Purpose || c.purpose
	}
	return all
}

// lacking are the conditions that a call does not meet.
func (o *operation) lacking(q question) policy.Facts {
	var lacking policy.Facts
	for _, c := range o.conditions {
		if !c.open(q.now) {
			lacking |= policy.OutsideHours
		}
		if !q.anywhere && !auth.Within(c.networks, q.address) {
			lacking |= policy.OutsideNetwork
		}
		if c.twoFactors && q.level != auth.AAL2 {
			lacking |= policy.AssuranceLow
		}
		if c.purpose && q.purpose == "" {
			lacking |= policy.PurposeUnsaid
		}
	}
	return lacking
}
