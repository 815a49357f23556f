#include "output/result/result_format.h"

#include "output/result/csv_line.h"
#include "output/result/result_field.h"
#include "output/result/text_line.h"

namespace echoscan {

ResultFormat::ResultFormat(Syntax syntax, std::vector<const ResultField*> fields)
    : syntax_(syntax), has_all_fields_(fields.empty()), fields_(std::move(fields)) {
  if (!has_all_fields_) return;
  for (const ResultField& field : kResultFields) fields_.push_back(&field);
}

std::string ResultFormat::header() const {
  return syntax_ == Syntax::csv ? csv_header(fields_) : "";
}

char* ResultFormat::write_line(char* out, const Result& result) const {
  switch (syntax_) {
    case Syntax::jsonl:
      return has_all_fields_ ? write_json_line(out, result) : write_json_line(out, result, fields_);
    case Syntax::csv:
      return write_csv_line(out, result, fields_);
    case Syntax::ip:
      out = write_ipv4(out, result.target);
      *out++ = '\n';
      return out;
    case Syntax::text:
      return write_text_line(out, result);
  }
  return out;
}

}  // namespace echoscan
