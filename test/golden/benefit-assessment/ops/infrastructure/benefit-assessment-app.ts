// holdfast:begin benefit-assessment-app
import { App } from 'aws-cdk-lib'
import { BenefitAssessmentLastingStack } from './benefit-assessment-lasting-stack'
import { BenefitAssessmentStack } from './benefit-assessment-stack'

const app = new App()
new BenefitAssessmentLastingStack(app, 'benefit-assessment-lasting')
new BenefitAssessmentStack(app, 'benefit-assessment')
// holdfast:end benefit-assessment-app
