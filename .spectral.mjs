import { oas } from '@stoplight/spectral-rulesets'

/** Spectral's rules for openapi.json: all that there are for OpenAPI, but for those named here. */
export default {
  extends: [[oas, 'all']],
  rules: {
    // Our paths end with a slash, as those of the reference do.
    'path-keys-no-trailing-slash': 'off',
    // Whoever runs the service is whom to ask, and the document cannot know them.
    'info-contact': 'off',
    // OpenAPI 3.1 takes an identifier of SPDX or a URL, not both.
    'license-url': 'off',
    // They come in the order in which one needs them.
    'openapi-tags-alphabetical': 'off',
  },
}
