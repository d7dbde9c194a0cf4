#include <QTest>

#include "core/model/error.h"
#include "core/text/chat_template.h"

using namespace headroom;
using text::ChatMessage;
using text::ChatRole;

/// Expected prompts: the conversation and the answers of llama.cpp's tests/test-chat-template.cpp; where its
/// own formatter and the template as Jinja differ, what the template gives.
class TstChatTemplate : public QObject {
  Q_OBJECT

  const std::vector<ChatMessage> m_conversation = {
      {ChatRole::System, "You are a helpful assistant"},
      {ChatRole::User, "Hello"},
      {ChatRole::Assistant, "Hi there"},
      {ChatRole::User, "Who are you"},
      {ChatRole::Assistant, "   I am an assistant   "},
      {ChatRole::User, "Another question"},
  };

 private slots:
  void families_data() {
    QTest::addColumn<QString>("jinja");  // the part of the published template that has its marks
    QTest::addColumn<QString>("family");
    QTest::addColumn<QString>("prompt");
    QTest::newRow("ChatML")
        << "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
        << "chatml"
        << "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
           "<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nWho are you<|im_end|>\n"
           "<|im_start|>assistant\n   I am an assistant   <|im_end|>\n<|im_start|>user\nAnother question"
           "<|im_end|>\n<|im_start|>assistant\n";
    QTest::newRow("Phi-4")
        << "{{'<|im_start|>user<|im_sep|>' + message['content'] + "
           "'<|im_end|><|im_start|>assistant<|im_sep|>'}}"
        << "phi-4"
        << "<|im_start|>system<|im_sep|>You are a helpful assistant<|im_end|><|im_start|>user<|im_sep|>Hello"
           "<|im_end|><|im_start|>assistant<|im_sep|>Hi there<|im_end|><|im_start|>user<|im_sep|>Who are you"
           "<|im_end|><|im_start|>assistant<|im_sep|>   I am an assistant   <|im_end|><|im_start|>user"
           "<|im_sep|>Another question<|im_end|><|im_start|>assistant<|im_sep|>";
    QTest::newRow("Mistral before v1")
        << "{{ '[INST] ' + message['content'] + ' [/INST]' }}{{ message['content'] + eos_token}}"
        << "mistral-v0"
        << "[INST] You are a helpful assistant\nHello [/INST]Hi there</s>[INST] Who are you [/INST]   I am "
           "an "
           "assistant   </s>[INST] Another question [/INST]";
    QTest::newRow("Mistral v1")
        << "{{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}"
        << "mistral-v1"
        << " [INST] You are a helpful assistant\n\nHello [/INST] Hi there</s> [INST] Who are you [/INST]    "
           "I am "
           "an assistant   </s> [INST] Another question [/INST]";
    QTest::newRow("Mistral v3")
        << "{{- \"[AVAILABLE_TOOLS] [\" }}{{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}"
        << "mistral-v3"
        << "[INST] You are a helpful assistant\n\nHello[/INST] Hi there</s>[INST] Who are you[/INST] I am an "
           "assistant</s>[INST] Another question[/INST]";
    QTest::newRow("Mistral v3, tekken")
        << "{{- \"[AVAILABLE_TOOLS][\" }}{{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}"
        << "mistral-v3-tekken"
        << "[INST]You are a helpful assistant\n\nHello[/INST]Hi there</s>[INST]Who are you[/INST]   I am an "
           "assistant   </s>[INST]Another question[/INST]";
    QTest::newRow("Mistral v7")
        << "{{ '[INST] ' + message['content'] + '[/INST]' }}{{ '[SYSTEM_PROMPT] ' + message['content'] }}"
        << "mistral-v7"
        << "[SYSTEM_PROMPT] You are a helpful assistant[/SYSTEM_PROMPT][INST] Hello[/INST] Hi "
           "there</s>[INST] Who "
           "are you[/INST]    I am an assistant   </s>[INST] Another question[/INST]";
    QTest::newRow("Llama 2, begin token between turns")
        << "{{- bos_token + '[INST] ' + messages[idx]['content'] + ' [/INST]' -}}{{- '[INST] <<SYS>>\\n' }}"
        << "llama-2"
        << "[INST] <<SYS>>\nYou are a helpful assistant\n<</SYS>>\n\nHello [/INST] Hi there </s><s>[INST] "
           "Who are "
           "you [/INST]    I am an assistant    </s><s>[INST] Another question [/INST]";
    QTest::newRow("Llama 2, trimmed")
        << "{{ '[INST] ' + content.strip() + ' [/INST]' }}{{ '<<SYS>>\\n' + content.strip() }}"
        << "llama-2"
        << "[INST] <<SYS>>\nYou are a helpful assistant\n<</SYS>>\n\nHello [/INST] Hi there </s>[INST] Who "
           "are "
           "you [/INST] I am an assistant </s>[INST] Another question [/INST]";
    QTest::newRow("Llama 3")
        << "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim"
        << "llama-3"
        << "<|start_header_id|>system<|end_header_id|>\n\nYou are a helpful "
           "assistant<|eot_id|><|start_header_id|>"
           "user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there"
           "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho are "
           "you<|eot_id|><|start_header_id|>assistant"
           "<|end_header_id|>\n\nI am an "
           "assistant<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnother "
           "question<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    QTest::newRow("Phi-3") << "{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' "
                              "}}{{ '<|assistant|>\n' }}"
                           << "phi-3"
                           << "<|system|>\nYou are a helpful "
                              "assistant<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there<|end|>\n"
                              "<|user|>\nWho are you<|end|>\n<|assistant|>\n   I am an assistant   "
                              "<|end|>\n<|user|>\nAnother question"
                              "<|end|>\n<|assistant|>\n";
    QTest::newRow("ChatGLM 4")
        << "[gMASK]<sop>{% for item in messages %}<|{{ item['role'] }}|>\n{{ item['content'] }}<|assistant|>"
        << "chatglm-4"
        << "[gMASK]<sop><|system|>\nYou are a helpful assistant<|user|>\nHello<|assistant|>\nHi "
           "there<|user|>\nWho "
           "are you<|assistant|>\n   I am an assistant   <|user|>\nAnother question<|assistant|>\n";
    QTest::newRow("Gemma: the system message is part of the user's")
        << "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}"
        << "gemma"
        << "<start_of_turn>user\nYou are a helpful assistant\n\nHello<end_of_turn>\n<start_of_turn>model\nHi "
           "there"
           "<end_of_turn>\n<start_of_turn>user\nWho are you<end_of_turn>\n<start_of_turn>model\nI am an "
           "assistant"
           "<end_of_turn>\n<start_of_turn>user\nAnother question<end_of_turn>\n<start_of_turn>model\n";
    QTest::newRow("Vicuna")
        << "{{-'USER: ' + message['content'] + '\\n'-}}{{-'ASSISTANT: ' + message['content']}}"
        << "vicuna"
        << "You are a helpful assistant\n\nUSER: Hello\nASSISTANT: Hi there</s>\nUSER: Who are "
           "you\nASSISTANT:    I am an assistant   </s>\nUSER: Another question\nASSISTANT:";
    QTest::newRow("DeepSeek Coder")
        << "{{'### Instruction:\\n' + message['content'] + '\\n'}}{{message['content'] + '\\n<|EOT|>\\n'}}"
        << "deepseek-coder"
        << "You are a helpful assistant### Instruction:\nHello\n### Response:\nHi there\n<|EOT|>\n### "
           "Instruction:\n"
           "Who are you\n### Response:\n   I am an assistant   \n<|EOT|>\n### Instruction:\nAnother "
           "question\n"
           "### Response:\n";
    QTest::newRow("DeepSeek 2")
        << "{{ 'Assistant: ' + message['content'] + eos_token }}"
        << "deepseek-2"
        << QString::fromUtf8(
               "You are a helpful assistant\n\nUser: Hello\n\nAssistant: Hi there<｜end▁of▁sentence｜>"
               "User: Who are you\n\nAssistant:    I am an assistant   <｜end▁of▁sentence｜>User: "
               "Another question\n\nAssistant:");
    // DeepSeek R1's published template, run by a Jinja interpreter.
    QTest::newRow("DeepSeek 3")
        << QString::fromUtf8(
               "{{'<｜User｜>' + message['content']}}{{'<｜Assistant｜>' + content + "
               "'<｜end▁of▁sentence｜>'}}")
        << "deepseek-3"
        << QString::fromUtf8(
               "You are a helpful assistant<｜User｜>Hello<｜Assistant｜>Hi there<｜end▁of▁sentence｜>"
               "<｜User｜>Who are you<｜Assistant｜>   I am an assistant   <｜end▁of▁sentence｜><｜User｜>"
               "Another question<｜Assistant｜>");
    QTest::newRow("Command R")
        << "{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + content.strip() + '<|END_OF_TURN_TOKEN|>' }}"
        << "command-r"
        << "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>You are a helpful assistant<|END_OF_TURN_TOKEN|>"
           "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_"
           "TOKEN|>Hi "
           "there<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Who are you<|END_OF_TURN_TOKEN|>"
           "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>I am an "
           "assistant<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
           "<|USER_TOKEN|>Another question<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>";
    QTest::newRow("Granite")
        << "{{- '<|start_of_role|>user<|end_of_role|>' + message['content'] + '<|end_of_text|>\n' }}"
        << "granite"
        << "<|start_of_role|>system<|end_of_role|>You are a helpful "
           "assistant<|end_of_text|>\n<|start_of_role|>user"
           "<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Hi "
           "there<|end_of_text|>\n"
           "<|start_of_role|>user<|end_of_role|>Who are "
           "you<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
           "   I am an assistant   <|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Another question"
           "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>";
    // HuggingFaceH4/zephyr-7b-beta and tiiuae/falcon-11B, run by a Jinja interpreter.
    QTest::newRow("Zephyr")
        << "{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}"
        << "zephyr"
        << "<|system|>\nYou are a helpful assistant</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi "
           "there</s>\n<|user|>\n"
           "Who are you</s>\n<|assistant|>\n   I am an assistant   </s>\n<|user|>\nAnother question</s>\n"
           "<|assistant|>\n";
    QTest::newRow("Falcon") << "{{ 'User: \\n' + message['content'] }}{{ 'Falcon:\\n'  + message['content']}}"
                            << "falcon-chat"
                            << "System: You are a helpful assistant\nUser: \nHello\nFalcon:\nHi there\nUser: "
                               "\nWho are you\nFalcon:\n   I "
                               "am an assistant   \nUser: \nAnother question\nFalcon:\n";
  }
  void families() {
    QFETCH(QString, jinja);
    QFETCH(QString, family);
    QFETCH(QString, prompt);
    const text::ChatTemplate chat(jinja.toStdString());
    QCOMPARE(QString::fromStdString(std::string(chat.family())), family);
    QCOMPARE(QString::fromStdString(chat.prompt(m_conversation)), prompt);
  }

  void oneMessage() {
    const text::ChatTemplate chat("<|im_start|><|im_end|>");
    const std::vector<ChatMessage> messages = {{ChatRole::User, "Hi"}};
    QCOMPARE(chat.prompt(messages), std::string("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"));
    QCOMPARE(chat.prompt({}), std::string("<|im_start|>assistant\n"));
  }

  void unknownTemplatesAreRefused_data() {
    QTest::addColumn<QString>("jinja");
    QTest::addColumn<QString>("part");
    QTest::newRow("none") << ""
                          << "no chat template";
    QTest::newRow("of no family") << "{{ messages }}"
                                  << "14 bytes";
    QTest::newRow("names the known ones") << "x"
                                          << "llama-3";
  }
  void unknownTemplatesAreRefused() {
    QFETCH(QString, jinja);
    QFETCH(QString, part);
    try {
      const text::ChatTemplate chat(jinja.toStdString());
      QFAIL("not refused");
    } catch (const model::Error& error) {
      QVERIFY2(QString::fromUtf8(error.what()).contains(part), error.what());
    }
  }
};

QTEST_GUILESS_MAIN(TstChatTemplate)
#include "tst_chat_template.moc"
