package ledger

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Finding is one thing wrong with the log.
type Finding struct {
	// Code is one of: altered, columns, missing, cut, tree-row, root,
	// erased-without-act, misnumbered, checkpoint-missing, checkpoint-invalid.
	Code   string    `json:"code"`
	Seq    int64     `json:"seq"`  // the entry's number, or the first of several
	Last   int64     `json:"last"` // the last of them
	ID     uuid.UUID `json:"id"`   // the entry's id where it is known
	Kind   string    `json:"kind"` // exchange, sandbox, act, or "" where unknown
	TextVI string    `json:"text_vi"`
	TextEN string    `json:"text_en"`
}

// place is the part of the log that a finding names.
type place struct {
	Seq, Last int64
	ID        uuid.UUID
	Kind      string
}

// found makes a finding with its words; pairs are filled in for {name}.
func found(code string, p place, pairs ...string) Finding {
	words := findingWords(code)
	pairs = append(pairs, "seq", numbers(p), "entry", p.Kind+" "+p.ID.String())
	f := Finding{Code: code, Seq: p.Seq, Last: p.Last, ID: p.ID, Kind: p.Kind, TextVI: words[0], TextEN: words[1]}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.TextVI = strings.ReplaceAll(f.TextVI, "{"+pairs[i]+"}", pairs[i+1])
		f.TextEN = strings.ReplaceAll(f.TextEN, "{"+pairs[i]+"}", pairs[i+1])
	}
	return f
}

func numbers(p place) string {
	if p.Last > p.Seq {
		return fmt.Sprintf("%d–%d", p.Seq, p.Last)
	}
	return fmt.Sprint(p.Seq)
}

// findingWords gives what people read, Vietnamese and English.
func findingWords(code string) [2]string {
	switch code {
	case "altered":
		return [2]string{"Bản ghi số {seq} ({entry}) đã bị sửa: nội dung không còn khớp với cây đã ký.",
			"Entry {seq} ({entry}) was altered: its payload no longer matches the signed tree."}
	case "columns":
		return [2]string{"Bản ghi số {seq} ({entry}): cột tra cứu {column} đã bị sửa, khác với nội dung.",
			"Entry {seq} ({entry}): the look-up column {column} was altered and differs from the payload."}
	case "missing":
		return [2]string{"Bản ghi số {seq} ({entry}) đã bị xoá.", "Entry {seq} ({entry}) was deleted."}
	case "cut":
		return [2]string{"Các bản ghi số {seq} (từ {entry}) ở cuối sổ đã bị cắt bỏ.",
			"Entries {seq} (from {entry}) were cut from the end of the log."}
	case "tree-row":
		return [2]string{"Dòng cây ở tầng {level}, vị trí {position} (bản ghi số {seq}) đã bị sửa hoặc xoá.",
			"The tree row at level {level}, position {position} (entries {seq}) was altered or deleted."}
	case "root":
		return [2]string{"Cây tính lại không khớp với mốc đã ký: có sửa đổi trong các bản ghi số {seq}.",
			"The recomputed tree does not match the signed checkpoint: something in entries {seq} was changed."}
	case "erased-without-act":
		return [2]string{"Bản ghi số {seq} ({entry}) bị xoá nội dung mà không có quyết định được ghi lại.",
			"The payload of entry {seq} ({entry}) was erased without a recorded act."}
	case "misnumbered":
		return [2]string{"Có bản ghi mang số ngoài dãy, trong khoảng {seq}.", "Some entries are numbered out of line, within {seq}."}
	case "checkpoint-missing":
		return [2]string{"Không có mốc đã ký ({file}) nên không thể chứng minh sổ còn nguyên vẹn.",
			"There is no signed checkpoint ({file}), so nothing proves that the log is whole."}
	}
	return [2]string{"Mốc {file} không mang chữ ký của hệ thống này.", "The checkpoint {file} is not signed by this installation."}
}
