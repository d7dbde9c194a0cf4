#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/session/workspace.h"
#include "core/model/error.h"
#include "core/text/phrases.h"

/// What lanes are given to read.
namespace headroom::session {

using model::SentenceId;
using text::inWords;

void Workspace::enterPrompt(const std::string& prompt) {
  m_isArranged = true;
  goOn();
  m_settings.setPrompt(prompt);
  m_session.setPrompt(prompt);
  m_session.play();
}

void Workspace::setPromptForm(PromptForm form, const std::string& shown) {
  if (m_session.state().filling.underWay()) {
    // Half a prompt is none.
    emit message({Severity::Passing, inWords<SentenceId::PromptBeingRead>()});
    emit promptChanged(shown, m_settings.promptForm());
    return;
  }
  m_isArranged = true;
  const bool wasIds = m_settings.promptForm() == PromptForm::Ids;
  const bool isIds = form == PromptForm::Ids;
  std::string prompt = shown;
  if (isIds && !wasIds) {
    // The same text, as the first lane was fed it; a filled context holds it many times over.
    m_textPrompt = prompt;
    if (m_store.laneCount() > 0 && m_store.lane(0).promptLength() > 0 && m_session.state().fill == 0) {
      const LaneTrace& lane = m_store.lane(0);
      prompt = fmt::format(
          "{}", fmt::join(lane.tokens().first(static_cast<std::size_t>(lane.promptLength())), ", "));
    }
  } else if (wasIds && !isIds && !m_textPrompt.empty()) {
    prompt = m_textPrompt;
  }
  m_settings.setPromptForm(form);
  m_settings.setPrompt(prompt);
  emit promptChanged(prompt, form);
  m_session.setPrompt(prompt, form);
  m_session.play();
}

void Workspace::readText(const std::string& text) {
  readOnly(text, PromptForm::Text);
}

void Workspace::readRepeatedTokens(const evaluation::RepeatedTokens& repeated) {
  if (m_store.laneCount() == 0) {
    emit message({Severity::Note, inWords<SentenceId::NoLaneToStudy>()});
    return;
  }
  try {
    const std::vector<int> tokens = evaluation::tokensOf(repeated, m_store.lane(0).info().config.vocabSize);
    readOnly(fmt::format("{}", fmt::join(tokens, ", ")), PromptForm::Ids);
  } catch (const model::Error& error) {
    emit message({Severity::Problem, error.what()});
  }
}

void Workspace::readOnly(const std::string& prompt, PromptForm form) {
  m_isArranged = true;
  goOn();
  if (form == PromptForm::Ids && m_settings.promptForm() != PromptForm::Ids)
    m_textPrompt = m_settings.experiment().prompt;
  m_settings.setPromptForm(form);
  m_settings.setPrompt(prompt);
  emit promptChanged(prompt, form);
  m_session.setPrompt(prompt, form);
  m_session.pause();
}

}  // namespace headroom::session
