"""Targets that give a drafter no states of their inner layers (0.32).

Heads of EAGLE-3, DFlash and DSpark read such states, and vLLM ends where the target's class is no
`SupportsEagle3`. `tests/engines/admission/test_inner_states.py` asks the classes themselves.
"""

from tandem_operator.api.spec import Method

READ_BY = frozenset({Method.EAGLE3, Method.DFLASH, Method.DSPARK})
"""Methods whose heads read them."""
WITHOUT = frozenset({
    "AXK1ForCausalLM", "AriaForConditionalGeneration", "AudioFlamingo3ForConditionalGeneration",
    "BagelForConditionalGeneration", "BailingMoeForCausalLM", "BailingMoeV2ForCausalLM",
    "BailingMoeV2_5ForCausalLM", "BailingMoeV3ForCausalLM", "Blip2ForConditionalGeneration",
    "BloomForCausalLM", "ChatGLMForConditionalGeneration", "ChatGLMModel", "Cohere2ForCausalLM",
    "CohereForCausalLM", "DbrxForCausalLM", "DeciLMForCausalLM",
    "DeepseekV4ForConditionalGeneration", "DeepseekVLV2ForCausalLM", "Ernie4_5_MoeForCausalLM",
    "Ernie4_5_VLMoeForConditionalGeneration", "Exaone4ForCausalLM", "ExaoneForCausalLM",
    "ExaoneMoEForCausalLM", "ExaoneMoeForCausalLM", "FalconForCausalLM", "FalconH1ForCausalLM",
    "FalconMambaForCausalLM", "FireRedASR2ForConditionalGeneration",
    "FunAudioChatForConditionalGeneration", "GLM4VForCausalLM", "GPT2LMHeadModel",
    "GPTJForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3nForCausalLM",
    "Gemma3nForConditionalGeneration", "GemmaForCausalLM", "Glm4ForCausalLM", "Glm4MoeForCausalLM",
    "Glm4MoeLiteForCausalLM", "GlmAsrForConditionalGeneration", "GraniteMoeForCausalLM",
    "GraniteMoeHybridForCausalLM", "GraniteMoeSWAForCausalLM", "GraniteMoeSharedForCausalLM",
    "GraniteSpeechForConditionalGeneration", "GraniteSpeechPlusForConditionalGeneration",
    "HYV3ForCausalLM", "HYV4ForCausalLM", "HfMoondream", "HrmTextForCausalLM",
    "HyperCLOVAXForCausalLM", "IQuestLoopCoderForCausalLM", "Idefics3ForConditionalGeneration",
    "InklingForCausalLM", "InklingForConditionalGeneration", "InternLM2ForCausalLM",
    "IsaacForConditionalGeneration", "JambaForCausalLM", "KeyeForConditionalGeneration",
    "KeyeVL1_5ForConditionalGeneration", "KimiVLForConditionalGeneration", "Lfm2ForCausalLM",
    "Lfm2MoeForCausalLM", "LongcatFlashForCausalLM", "LongcatFlashNgramForCausalLM",
    "Mamba2ForCausalLM", "MambaForCausalLM", "MiniCPMO", "MiniCPMV", "MixtralForCausalLM",
    "Molmo2ForConditionalGeneration", "MolmoForCausalLM", "Moondream3ForCausalLM",
    "MoonshotKimiaForCausalLM", "MossAudioModel", "MossTranscribeDiarizeForConditionalGeneration",
    "NemotronForCausalLM", "NemotronParseForConditionalGeneration", "OPTForCausalLM",
    "OlmoHybridForCausalLM", "OlmoeForCausalLM", "OpenVLAForActionPrediction", "OrionForCausalLM",
    "Ovis", "Ovis2_5", "Ovis2_6ForCausalLM", "Ovis2_6_MoeForCausalLM",
    "PaddleOCRVLForConditionalGeneration", "PaliGemmaForConditionalGeneration",
    "PanguEmbeddedForCausalLM", "PanguProMoEV2ForCausalLM", "PanguUltraMoEForCausalLM",
    "Param2MoEForCausalLM", "Phi3VForCausalLM", "Phi4MMForCausalLM", "PhiMoEForCausalLM",
    "Qwen2AudioForConditionalGeneration", "Qwen2MoeForCausalLM", "Rnj1ForCausalLM",
    "SarvamMoEForCausalLM", "SmolVLMForConditionalGeneration", "SolarForCausalLM",
    "StableLmForCausalLM", "Step3TextForCausalLM", "Step3p5ForCausalLM", "UltravoxModel",
    "VoxtralForConditionalGeneration", "VoxtralRealtimeGeneration",
    "WhisperForConditionalGeneration", "Zamba2ForCausalLM",
})  # fmt: skip
"""Architectures whose class vLLM has and that lacks it; of others nothing is held against them."""
