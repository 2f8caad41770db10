package portal

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
)

// effectData is the data of the page "effect": what a form that was sent would
// do to whom, before it is done. The form stands in it again, hidden.
type effectData struct {
	Effect
	Act    string // what the words are about: approve, suspend, end, conditions, plan
	Action string // where the form goes
	Kept   []keptPair
	Back   string
	Rows   []effectLine
	More   int // applications or operations that are not listed
}

// effectLine is a row in words.
type effectLine struct {
	EffectRow
	Why string // what the calls would be refused with
}

// seenName is the field by which a form says that its effect was shown.
const seenName = "seen"

// effectFirst is the page that shows what a form would do, for a form that
// would lose somebody something and was not shown yet; false: it may be done.
// An error of asking is none: the act itself fails with it.
func effectFirst(r *http.Request, act, action, back string, ask func() (Effect, error)) (page, bool) {
	if r.PostFormValue(seenName) != "" {
		return page{}, false
	}
	e, err := ask()
	if err != nil || !e.Loses() {
		return page{}, false
	}
	data := tellEffect(r, e)
	data.Act, data.Action, data.Back = act, action, back
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			data.Kept = append(data.Kept, keptPair{name, value})
		}
	}
	return page{Name: "effect", Data: data}, true
}

// tellEffect is an effect in words.
func tellEffect(r *http.Request, e Effect) effectData {
	data := effectData{Effect: e, More: max(0, len(e.Rows)-shownEffects)}
	for _, row := range e.Rows[:min(len(e.Rows), shownEffects)] {
		line := effectLine{EffectRow: row}
		if row.Code != "" {
			line.Why, _ = wordsOfCode(r, row.Code)
		}
		data.Rows = append(data.Rows, line)
	}
	return data
}

// shownEffects is how many rows the page lists.
const shownEffects = 50

// agreementEffectFirst is effectFirst of a step on an agreement.
func (p *Portal) agreementEffectFirst(r *http.Request, who auth.Principal, id uuid.UUID, verb string, act AgreementAct) (page, bool) {
	if p.AgreementEffect == nil || !slices.Contains([]string{"approve", "suspend", "resume", "end"}, act.Act) {
		return page{}, false
	}
	if act.Act == "suspend" || act.Act == "end" {
		if strings.TrimSpace(r.PostFormValue("reason")) == "" {
			return page{}, false // refused as such
		}
	}
	at := "/agreements/" + id.String()
	return effectFirst(r, act.Act, at+"/"+verb, at, func() (Effect, error) { return p.AgreementEffect(r.Context(), who, id, act) })
}

// conditionsEffectFirst is effectFirst of the conditions of a version.
func (p *Portal) conditionsEffectFirst(r *http.Request, list []gateway.Condition) (page, bool, error) {
	if p.VersionEffect == nil {
		return page{}, false, nil
	}
	d, v, err := p.version(r)
	if err != nil {
		return page{}, false, err
	}
	t, err := trafficOf(v.Traffic)
	if err != nil {
		return page{}, false, err
	}
	t.Conditions = list
	document, err := json.Marshal(t)
	if err != nil {
		return page{}, false, fmt.Errorf("write traffic: %w", err)
	}
	at := d.At("apis", d.API.Slug, v.Number, "conditions")
	first, shown := effectFirst(r, "conditions", at, at, func() (Effect, error) {
		return p.VersionEffect(r.Context(), d.who, v.ID, VersionChange{Traffic: document})
	})
	return first, shown, nil
}

// planEffectFirst is effectFirst of the plan of a public version.
func (p *Portal) planEffectFirst(r *http.Request, d apiDesk, v catalog.Version) (page, bool) {
	plan := r.PostFormValue("plan")
	if p.VersionEffect == nil || plan == "" || plan == v.PlanSlug {
		return page{}, false
	}
	at := d.At("apis", d.API.Slug, v.Number, "connection")
	return effectFirst(r, "plan", at, at, func() (Effect, error) {
		return p.VersionEffect(r.Context(), d.who, v.ID, VersionChange{Plan: plan})
	})
}
