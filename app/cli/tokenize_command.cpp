#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/token_arguments.h"
#include "core/formats/bundled_models.h"
#include "core/formats/load_model.h"
#include "core/model/token_range.h"
#include "core/text/utf8.h"

namespace headroom::cli {

namespace {
class TokenizeCommand final : public Command {
 public:
  TokenizeCommand(CLI::App& parent, const GlobalOptions& global)
      : Command(parent, global, "tokenize", "Text to token ids and pieces, or ids back to text") {
    app()
        .add_option("MODEL", m_model, "GGUF file of any architecture, Hugging Face folder, or mha, gqa, mqa")
        ->required();
    CLI::Option* ids = app().add_option("--ids", m_ids, "Token ids to turn into text: 1,2,3");
    m_textOption = app().add_option("--text", m_text, "Text to turn into ids")->excludes(ids);
    m_idsOption = ids;
    app()
        .add_flag("--parse-special", m_parseSpecial,
                  "Read what is spelled like a control token as that token")
        ->excludes(ids);
  }

  void run() override {
    if (m_textOption->count() + m_idsOption->count() == 0) {
      throw CLI::ValidationError("tokenize: expected --text or --ids");
    }
    const std::unique_ptr<model::Tokenizer> tokenizer =
        formats::loadTokenizer(formats::resolveModel(m_model));
    if (m_idsOption->count() > 0) {
      printText(*tokenizer);
    } else {
      printIds(*tokenizer);
    }
  }

 private:
  void printText(const model::Tokenizer& tokenizer) const {
    const std::vector<int> ids = parseIds(m_ids);
    for (const int id : ids) model::checkToken(id, tokenizer.vocabSize());
    const std::string text = tokenizer.decode(ids);
    if (global().json) {
      const nlohmann::ordered_json document = {{"ids", ids}, {"text", text::replaceInvalidUtf8(text)}};
      fmt::print("{}\n", document.dump(2));
    } else {
      fmt::print("{}\n", text);
    }
  }

  void printIds(const model::Tokenizer& tokenizer) const {
    const auto special = m_parseSpecial ? model::SpecialText::Parsed : model::SpecialText::Plain;
    const std::vector<int> ids = tokenizer.encode(m_text, special);
    std::vector<std::string> pieces;
    for (int id : ids) pieces.push_back(text::replaceInvalidUtf8(tokenizer.pieceBytes(id)));
    if (global().json) {
      const nlohmann::ordered_json document = {{"ids", ids}, {"pieces", pieces}};
      fmt::print("{}\n", document.dump(2));
      return;
    }
    // Pieces as JSON strings, so that line feeds and spaces can be seen.
    for (std::size_t i = 0; i < ids.size(); ++i) {
      fmt::print("{}\t{}\n", ids[i], nlohmann::json(pieces[i]).dump());
    }
  }

  std::string m_model;
  std::string m_text;
  std::string m_ids;
  bool m_parseSpecial = false;
  CLI::Option* m_textOption = nullptr;
  CLI::Option* m_idsOption = nullptr;
};
}  // namespace

std::unique_ptr<Command> registerTokenizeCommand(CLI::App& app, const GlobalOptions& global) {
  return std::make_unique<TokenizeCommand>(app, global);
}

}  // namespace headroom::cli
