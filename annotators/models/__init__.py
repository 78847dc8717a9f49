"""Models as annotators: the same protocol, the work done by an endpoint that is reached over HTTP.

Nothing of it is used unless a recipe names one of them, and the HTTP library (extra `models`) is loaded with the first
request. Where an endpoint is, and its key, come from environment variables alone: a release names its producers with all
their parameters, and neither belongs into one. Without an endpoint an annotator *lacks* something: its layer is not
proposed, which is not the same as an empty layer.

    CAIRN_VLM_URL, CAIRN_VLM_KEY              an OpenAI-compatible endpoint, up to and without `/chat/completions`
    CAIRN_SEGMENTER_URL, CAIRN_SEGMENTER_KEY  a promptable segmenter, up to and without `/track`
    CAIRN_MODELS_CACHE                        a folder that keeps answers, so that nothing is paid for twice
"""
