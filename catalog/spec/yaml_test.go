package spec

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

// hardTexts are texts that readers of YAML take for something else.
const hardTexts = `{"openapi":"3.1.0","y":"no","n":"Yes","~":"~","null":"null","1":"0x1F","t":"2026-01-02","b":"1:30","o":"010","e":"1e3","x":"",
"s":" a","q":"'","d":"\"","c":"a: b","h":"a #b","#":"#","m":"a\nb\n","m1":"a\n\n","m2":"\na","cr":"a\r\nb","tab":"\ta\n b","ls":"a\u2028b\nc","bom":"\ufeffa","*":"*a","&":"&a","!":"!a",
"%":"%a","@":"@a","-":"- a","?":"? a","pipe":"|","gt":">","brace":"{a}","em":"😀","del":"\u007f\u0085","n1":1,"n2":1.50,"n3":-0,"n4":12345678901234567890,"l":[],"o1":{},"z":null,"f":[true,false]}`

func sameInYAML(t *testing.T, document []byte) {
	t.Helper()
	text, err := YAML(document)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(document, &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	back, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var again any
	if err := json.Unmarshal(back, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, want) {
		for name, value := range want.(map[string]any) {
			if other := again.(map[string]any)[name]; !reflect.DeepEqual(other, value) {
				t.Errorf("%q: got %q, want %q", name, other, value)
			}
		}
		t.Errorf("not the same:\n%s", text)
	}
}

func TestYAMLSaysWhatTheJSONSays(t *testing.T) {
	t.Parallel()
	sameInYAML(t, []byte(hardTexts))
	for _, name := range []string{"nguoi-co-cong", "dat-dai", "thu-tuc-hanh-chinh"} {
		text, err := os.ReadFile("../../demo/specs/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := Read(text)
		if err != nil {
			t.Fatal(err)
		}
		sameInYAML(t, doc.JSON)
		written, err := YAML(doc.JSON)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(written)
		if err != nil || string(again.JSON) != string(doc.JSON) {
			t.Errorf("%s: its YAML is read as another document: %v", name, err)
		}
	}
	for _, wrong := range []string{"", "{", `{"a":1} x`} {
		if _, err := YAML([]byte(wrong)); err == nil {
			t.Errorf("%q is written", wrong)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add(hardTexts)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := json.Marshal(map[string]string{text: text})
		if err != nil || len(text) > 4096 {
			return
		}
		if _, err := parseJSON(document); err == nil {
			sameInYAML(t, document)
		}
	})
}
